"""The default network.yaml on ports that are always the same, and what tests change in it."""

from pathlib import Path

from countermark.network.identities import Organisation, Role
from countermark.network.nodes.material import definition
from countermark.network.topology import Consensus, Mode, OrganisationPlan, Part
from countermark.network.topology.default import default_text, port_count
from countermark.network.topology.definitions import OrganisationDefinition
from countermark.network.topology.model import Orderer, Peer

FIRST_PORT = 7_001


def default(mode: Mode = Mode.NATIVE, consensus: Consensus = Consensus.RAFT) -> str:
    count = port_count(consensus)
    return default_text(mode, consensus, range(FIRST_PORT, FIRST_PORT + count))


def changed(old: str, new: str, text: str = "") -> str:
    """The default description with the first `old` in it replaced."""
    text = text or default()
    assert old in text, old
    return text.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    """The line, from 1, on which `part` stands first."""
    assert part in text, part
    return text[: text.index(part)].count("\n") + 1


def outsider(directory: Path, *, name: str = "guest", orderers: bool = True) -> OrganisationDefinition:
    """The public half of an organisation that keeps its keys in `directory`."""
    organisation = Organisation.create(directory, f"{name.capitalize()}MSP", f"{name}.example")
    nodes = (Orderer(f"orderer0.{name}", f"orderer0.{name}.example", 7050, 0, 0),) if orderers else ()
    for one in nodes:
        organisation.issue("orderer0", Role.ORDERER)
        organisation.issue_tls("orderer0", [one.host])
    plan = OrganisationPlan(
        name=name,
        msp_id=organisation.msp_id,
        domain=organisation.domain,
        part=Part.MEMBER,
        peers=(Peer(f"peer0.{name}", f"peer0.{name}.example", 7051, 0, 0, (0, 0)),),
        orderers=nodes,
        definition=directory / f"{name}.json",
    )
    return definition(organisation, plan)
