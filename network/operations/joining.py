"""An organisation joins a channel that runs: what its members do, each from a folder of his own.

The update and its signatures travel as files; nobody hands a key to anybody.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from countermark.network.blocks import Block
from countermark.network.client import GatewayClient
from countermark.network.configuration import (
    ChannelConfig,
    ConfigUpdate,
    UpdateSignature,
    check_complete,
    compute_update,
    merge_signatures,
    sign_update,
    with_organisation,
)
from countermark.network.configuration.fetching import PeerBlocks, fetch_config
from countermark.network.configuration.submission import submit_update
from countermark.network.genesis import PeerOrganisation
from countermark.network.identities.files import write_file
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import administrator, generate, profile
from countermark.network.nodes.material import ADMIN, definitions
from countermark.network.operations.network import Network
from countermark.network.operations.ordering import orderer_clients
from countermark.network.topology import OrganisationPlan, TopologyError, load, parse_topology
from countermark.network.topology.amending import with_definition
from countermark.network.topology.default import newcomer_text
from countermark.network.topology.definitions import OrganisationDefinition
from countermark.network.topology.invitation import Invitation, invitation


def invite(network: Network) -> Invitation:
    """Return what a newcomer must know of `network`.

    Raises:
        NetworkError: A file of the folder is missing or malformed.
    """
    known = definitions(network.folder, network.topology)
    return invitation(network.topology, known, network.folder.genesis.read_bytes())


def prepare(
    folder: NetworkFolder,
    invited: Invitation,
    *,
    name: str,
    msp_id: str,
    domain: str,
    host: str,
    ports: Sequence[int],
) -> Path:
    """Make the folder of an organisation that joins with one peer, and return the file with its public half.

    Raises:
        TopologyError: The folder has a description already, or what is given cannot be.
        NetworkError: Files in the folder are damaged.
    """
    if folder.description.exists():
        raise TopologyError("description_exists", f"{folder.description} is there already")
    text = newcomer_text(invited, name=name, msp_id=msp_id, domain=domain, host=host, ports=ports).encode()
    for one in invited.organisations:
        write_file(folder.definition(one.plan.name), one.dumps())
    topology = parse_topology(text, folder.path)
    write_file(folder.genesis, invited.genesis)
    generate(folder, topology, now_ms=_now_ms(), found=False)
    # Last, so that a folder cut short is not taken for a network's.
    write_file(folder.description, text)
    return folder.definition(name)


def propose(network: Network, newcomer: OrganisationDefinition) -> tuple[ChannelConfig, ConfigUpdate]:
    """Return the channel's configuration now, and the update that lets `newcomer` in with its anchor peers.

    Raises:
        ConfigurationError: It is on the channel already.
        NetworkError: The configuration is of a kind that is not supported.
        LedgerError: The peer does not answer.
    """
    before = current_config(network)
    organisation = PeerOrganisation(newcomer.msp, tuple(peer.endpoint for peer in newcomer.plan.peers))
    return before, compute_update(before, with_organisation(before, organisation))


def sign(network: Network, plan: OrganisationPlan, update: ConfigUpdate) -> UpdateSignature:
    """Return the signature of `update` by the administrator of `plan`, an organisation here.

    Raises:
        IdentityError: Key material is missing.
    """
    return sign_update(update, network.folder.organisation(plan.name).identity(ADMIN))


def check(config: ChannelConfig, update: ConfigUpdate, signatures: Sequence[UpdateSignature]) -> tuple[str, ...]:
    """Return the MSP ids of those who have signed `update`, if they are enough.

    Raises:
        ConfigurationError: They are not, and who is missing; or a signature does not hold.
    """
    _, signers = merge_signatures(config, update, signatures, at_ms=_now_ms())
    check_complete(config, update, signers)
    return tuple(sorted({one.msp_id for one in signers}))


def submit(
    network: Network, config: ChannelConfig, update: ConfigUpdate, signatures: Sequence[UpdateSignature]
) -> Block:
    """Hand `update` with `signatures`, which `check` has found enough, to the orderers; return its block.

    Raises:
        ConfigurationError: A signature does not hold, or the orderers refuse the update.
        LedgerError: No orderer answers, or the block does not come.
    """
    signed, _ = merge_signatures(config, update, signatures, at_ms=_now_ms())
    plan = network.topology.here[0]
    submitter = network.folder.organisation(plan.name).identity(ADMIN)
    with orderer_clients(network.folder, network.topology, plan) as orderers:
        return submit_update(orderers, update, signed, submitter)


def record(folder: NetworkFolder, newcomer: OrganisationDefinition) -> bool:
    """Add `newcomer` to the description in `folder`, and return whether it was not there.

    Raises:
        TopologyError: It cannot be in this network, or the description has to be amended by hand.
    """
    if newcomer.plan.name in {one.name for one in load(folder.description).organisations}:
        return False
    file = folder.definition(newcomer.plan.name)
    amended = with_definition(folder.description.read_bytes(), str(file.relative_to(folder.path)))
    write_file(file, newcomer.dumps())
    try:
        parse_topology(amended, folder.path)
    except TopologyError:
        file.unlink()
        raise
    write_file(folder.description, amended)
    return True


def current_config(network: Network) -> ChannelConfig:
    """Return the channel's configuration as the first peer here has it.

    Raises:
        NetworkError: It is of a kind that is not supported.
        LedgerError: The peer does not answer.
    """
    plan, peer = next(network.topology.peers())
    reached = profile(network.folder, network.topology, plan, peer)
    client = GatewayClient(administrator(reached, network.folder, plan))
    try:
        return fetch_config(PeerBlocks(client))
    finally:
        client.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
