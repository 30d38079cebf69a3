"""The ordering service as an administrator reaches it: all orderers of the network, whosever they are."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from countermark.network.blocks import Block
from countermark.network.client import LedgerError, OrdererClient
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.native.errors import RunError
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.material import ADMIN, definitions
from countermark.network.topology import OrganisationPlan, Topology

FORBIDDEN, _NOT_JOINED = "FORBIDDEN", "NOT_FOUND"
"""What a node answers to organisations that it does not know, and of channels that it does not have."""


@contextmanager
def orderer_clients(
    folder: NetworkFolder, topology: Topology, plan: OrganisationPlan
) -> Iterator[list[OrdererClient]]:
    """Give a client of each orderer for the administrator of `plan`, an organisation here.

    Raises:
        TopologyError: A definition file is missing or malformed.
        IdentityError: Key material is missing.
    """
    administrator = folder.organisation(plan.name).identity(ADMIN)
    with ExitStack() as stack:
        clients = []
        for organisation in definitions(folder, topology):
            for orderer in organisation.plan.orderers:
                client = OrdererClient(
                    f"{topology.reached(orderer.host)}:{orderer.port}",
                    tls_ca=b"".join(organisation.msp.tls_root_certs),
                    channel=topology.channel,
                    identity=administrator,
                )
                stack.callback(client.close)
                clients.append(client)
        yield clients


def newest_block(orderers: Sequence[OrdererClient]) -> Block:
    """Return the newest block of the first of `orderers` that answers.

    Raises:
        RunError: The orderers do not know this organisation: it has not been admitted to the channel.
        LifecycleError: ``not_yet``; those that answer have not joined the channel, or follow no leader.
        LedgerError: None answers.
    """
    failure: LedgerError | LifecycleError | None = None
    for orderer in orderers:
        try:
            return orderer.newest_block()
        except LedgerError as error:
            if FORBIDDEN in error.detail:
                raise RunError("not_admitted", "the orderers do not know this organisation yet") from error
            if _NOT_JOINED in error.detail:
                failure = LifecycleError("not_yet", f"{orderer.address} has not joined the channel yet")
            else:
                failure = failure or error
    if failure is None:
        raise RunError("no_orderer", "the description names no orderer")
    raise failure
