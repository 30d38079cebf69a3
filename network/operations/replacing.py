"""An orderer that has lost its ledger comes back: taken out of the channel, let in anew, and only then started.

Started as if nothing had happened it would take part again without what it has promised: votes that it gave, blocks
that it said it keeps. Let in anew it is another member to the others, with a ledger that it fetches from them.
"""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from countermark.network.blocks import Block
from countermark.network.blocks.configs import read_config
from countermark.network.client import LedgerError
from countermark.network.configuration import (
    ChannelConfig,
    ConfigUpdate,
    compute_update,
    consenters,
    with_consenter,
    without_consenter,
)
from countermark.network.configuration.fetching import config_history
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.participation import participation
from countermark.network.lifecycle.patience import patiently, while_it_moves
from countermark.network.native import nodes
from countermark.network.native.errors import RunError
from countermark.network.nodes.material import consenter, definitions
from countermark.network.operations.joining import current_config
from countermark.network.operations.network import Network
from countermark.network.operations.ordering import orderer_clients
from countermark.network.topology import Orderer, OrganisationPlan


def propose_removal(network: Network, name: str) -> tuple[ChannelConfig, ConfigUpdate]:
    """Return the channel's configuration now, and the update by which the orderer `name` orders no more.

    Raises:
        RunError: The network has no such orderer.
        ConfigurationError: It is not one that orders, or the last one.
        LedgerError: The peer does not answer.
    """
    _, orderer = _find(network, name)
    before = current_config(network)
    return before, compute_update(before, without_consenter(before, orderer.endpoint))


def propose_return(network: Network, name: str) -> tuple[ChannelConfig, ConfigUpdate]:
    """Return the channel's configuration now, and the update by which the orderer `name` orders again.

    Raises:
        RunError: The network has no such orderer.
        ConfigurationError: It is one that orders already.
        LedgerError: The peer does not answer.
    """
    plan, orderer = _find(network, name)
    (known,) = [one for one in definitions(network.folder, network.topology) if one.plan.name == plan.name]
    before = current_config(network)
    return before, compute_update(before, with_consenter(before, consenter(known, orderer)))


def rejoin(network: Network, name: str) -> Path | None:
    """Have the orderer `name` of this folder begin with an empty ledger, and return where its old one is now.

    It returns when the orderer has what the others had. Run again, it goes on.

    Raises:
        RunError: It runs already, is none of this folder, was never taken out, or does not start.
        LifecycleError: It does not catch up in time.
        LedgerError: No other orderer answers.
    """
    node = next((one for one in nodes.orderers(network.folder, network.topology) if one.name == name), None)
    if node is None:
        raise RunError("unknown_orderer", f"{name} is no orderer of this folder")
    block, was_out = _history(network, node)
    if node.orderer.endpoint not in [one.endpoint for one in consenters(current_config(network))]:
        raise RunError("not_let_in", f"{name} does not order: have it let in first")
    if not was_out:
        raise RunError("never_removed", f"{name} has ordered from the first block on: have it taken out first")
    channel, aside = network.topology.channel, None
    if name not in network.running():
        network.check_startable()
        aside = _set_aside(node)
        network.start([name])
    part = patiently(partial(participation, node.access, channel))
    if part is not None and part.status == "active":
        raise RunError("orderer_runs", f"{name} orders with the ledger that it has")
    node.join(channel, block.serialized)
    while_it_moves(partial(_check_active, node, channel, block.number + 1), lambda: _height(node, channel))
    return aside


def _history(network: Network, node: nodes.OrdererNode) -> tuple[Block, bool]:
    """Return the block with the channel's configuration now, and whether an earlier one lacked the orderer `node`.

    Another orderer is asked.
    """
    failure: LedgerError | None = None
    with orderer_clients(network.folder, network.topology, node.plan) as clients:
        for client in clients:
            if client.address == f"{node.host}:{node.orderer.port}":
                continue
            try:
                present, *earlier = config_history(client)
                endpoints = ({other.endpoint for other in consenters(read_config(one))} for one in earlier)
                return present, any(node.orderer.endpoint not in known for known in endpoints)
            except LedgerError as error:
                failure = error
    if failure is None:
        raise RunError("no_orderer", "the network has no other orderer")
    raise failure


def _set_aside(node: nodes.OrdererNode) -> Path | None:
    data = node.folder.node(node.name) / "data"
    if not data.exists():
        return None
    aside = data.with_name(f"data.before-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    data.rename(aside)
    return aside


def _height(node: nodes.OrdererNode, channel: str) -> int:
    part = participation(node.access, channel)
    return part.height if part else 0


def _check_active(node: nodes.OrdererNode, channel: str, height: int) -> None:
    part = participation(node.access, channel)
    if part is None or part.status != "active" or part.relation != "consenter" or part.height < height:
        raise LifecycleError("not_yet", f"{node.name} has not caught up yet")


def _find(network: Network, name: str) -> tuple[OrganisationPlan, Orderer]:
    for plan in network.topology.organisations:
        for orderer in plan.orderers:
            if orderer.name == name:
                return plan, orderer
    known = ", ".join(one.name for plan in network.topology.organisations for one in plan.orderers)
    raise RunError("unknown_orderer", f"{name} is none of {known}")
