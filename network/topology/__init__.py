"""Which organisations make a network, and where their nodes are: network.yaml and what is made of it."""

from countermark.network.topology.errors import TopologyError
from countermark.network.topology.model import Consensus, Mode, Orderer, OrganisationPlan, Part, Peer, Topology
from countermark.network.topology.parsing import load, parse_topology

__all__ = [
    "Consensus",
    "Mode",
    "Orderer",
    "OrganisationPlan",
    "Part",
    "Peer",
    "Topology",
    "TopologyError",
    "load",
    "parse_topology",
]
