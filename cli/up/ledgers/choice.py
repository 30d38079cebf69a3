"""Which ledger a run of `countermark up` stands on, and the ports of the platform before it."""

from dataclasses import dataclass

from countermark.cli.up.data import DataFolder
from countermark.cli.up.ledgers.base import Ledger
from countermark.cli.up.ledgers.embedded import ORGANISATIONS, EmbeddedLedger
from countermark.cli.up.ledgers.fabric import FabricLedger
from countermark.cli.up.ports import kept_ports
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.network.operations.network import Network
from countermark.network.topology import OrganisationPlan, Topology

_GATEWAY, _METRICS = "gateway", "metrics"


@dataclass(frozen=True)
class Choice:
    """A ledger, and the ports of the platform before it."""

    ledger: Ledger
    port: int
    """The gateway's."""
    metrics_port: int
    """Where the worker shows its figures."""


def choose(
    network: Network | None,
    data: DataFolder,
    *,
    chaincode: str,
    port: int,
    member: OrganisationPlan | None = None,
) -> Choice:
    """Return the market ``chaincode`` on ``network``, or the embedded ledger in ``data`` if there is no network.

    ``port`` 0 takes a free one at the first start and keeps it; ``member`` is the organisation whose gateway it is,
    if not the platform's.

    Raises:
        ClientError: the data folder is of another ledger, or the embedded one is to have another market.
    """
    if network is None and chaincode:
        raise ClientError(REFUSED_HERE, "the embedded ledger has one market; --chaincode is for --ledger fabric")
    embedded = (data.network / "embedded.json").exists()
    if embedded and network is not None:
        raise ClientError(REFUSED_HERE, f"{data.path} holds a market on the embedded ledger; use another --data")
    if not embedded and network is None and data.gateway_config.exists():
        raise ClientError(REFUSED_HERE, f"{data.path} holds a market on Fabric: --ledger fabric, or another --data")
    names = (*(() if network else ORGANISATIONS), _GATEWAY, _METRICS)
    ports = kept_ports(data.path / "ports.json", names)
    ledger = (
        FabricLedger(network, data, chaincode=chaincode, member=member) if network else EmbeddedLedger(data, ports)
    )
    return Choice(ledger, port or ports[_GATEWAY], ports[_METRICS])


def member_of(topology: Topology, name: str) -> OrganisationPlan:
    """Return the organisation ``name`` of which this folder has keys and peers; the only one if that is empty.

    Raises:
        ClientError: there is none, or there are several.
    """
    plans = [one for one in topology.here if one.peers and name in ("", one.name)]
    if len(plans) != 1:
        names = ", ".join(one.name for one in topology.here if one.peers)
        raise ClientError(REFUSED_HERE, f"whose gateway? --organisation is one of {names}")
    return plans[0]
