"""What a network is made of: organisations with their nodes, how blocks are ordered, what the channel agrees on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from countermark.network.blocks import Policy
from countermark.network.genesis import Batch, Endpoint

LOOPBACK: Final = "127.0.0.1"

LONGEST_WINDOW_S: Final = 3600
"""Widest time window of peers."""


class Mode(StrEnum):
    """How the nodes of a folder run: as processes of this machine, or as containers."""

    NATIVE = "native"
    COMPOSE = "compose"


class Consensus(StrEnum):
    """How orderers agree: Raft survives crashes, BFT also lies."""

    RAFT = "raft"
    BFT = "bft"


class Part(StrEnum):
    """What an organisation is to the market."""

    PLATFORM = "platform"
    SUPERVISOR = "supervisor"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer and the chaincode server beside it."""

    name: str
    host: str
    port: int
    """Where clients and other peers reach it."""
    listener: int
    """Where chaincode of other kinds than ours would call it; a peer must have it."""
    operations: int
    """Its health and metrics."""
    chaincode: tuple[int, int]
    """Ports of its chaincode server: of odd and of even sequences, so that old and new run side by side."""

    @property
    def endpoint(self) -> Endpoint:
        """Where other organisations reach it."""
        return Endpoint(self.host, self.port)

    @property
    def ports(self) -> tuple[int, ...]:
        """All of its ports."""
        return (self.port, self.listener, self.operations, *self.chaincode)

    @property
    def published(self) -> tuple[int, ...]:
        """Those that are ports of this machine too if it runs in a container."""
        return (self.port, self.operations)


@dataclass(frozen=True, slots=True)
class Orderer:
    """An orderer."""

    name: str
    host: str
    port: int
    """Where peers, clients and the other orderers reach it."""
    admin: int
    """Where its operator has it join channels."""
    operations: int
    """Its health and metrics."""

    @property
    def endpoint(self) -> Endpoint:
        """Where other organisations reach it."""
        return Endpoint(self.host, self.port)

    @property
    def ports(self) -> tuple[int, ...]:
        """All of its ports."""
        return (self.port, self.admin, self.operations)

    @property
    def published(self) -> tuple[int, ...]:
        """Those that are ports of this machine too if it runs in a container."""
        return self.ports


@dataclass(frozen=True, slots=True)
class OrganisationPlan:
    """An organisation: its names, its part, its nodes."""

    name: str
    """Names its files and its nodes."""
    msp_id: str
    domain: str
    part: Part
    peers: tuple[Peer, ...]
    orderers: tuple[Orderer, ...]
    definition: Path | None = None
    """File with its public half, if it keeps its keys elsewhere; None if they are to be in this folder."""

    @property
    def nodes(self) -> "tuple[Peer | Orderer, ...]":
        """Its orderers and peers."""
        return (*self.orderers, *self.peers)

    @property
    def here(self) -> bool:
        """Whether its keys are in this folder."""
        return self.definition is None


@dataclass(frozen=True, slots=True)
class Topology:
    """A network, as network.yaml describes it."""

    name: str
    mode: Mode
    channel: str
    chaincode: str
    version: str
    consensus: Consensus
    batch: Batch
    time_window_s: int
    """How far a proposal's timestamp may be from a peer's clock."""
    organisations: tuple[OrganisationPlan, ...]
    endorsement: Policy | None = None
    """Endorsement policy instead of the market's own."""
    awaited: tuple[Path, ...] = ()
    """Files of other organisations' definitions that are yet to come; the network cannot be run before."""
    lines: dict[str, int] = field(default_factory=dict, compare=False, repr=False)
    """Lines of organisations and nodes by their names, and of top-level keys, `endorsement:` say; for messages."""

    @property
    def here(self) -> tuple[OrganisationPlan, ...]:
        """The organisations whose keys are in this folder."""
        return tuple(one for one in self.organisations if one.here)

    @property
    def msp_ids(self) -> list[str]:
        """MSP ids of the organisations that run peers and so endorse."""
        return [one.msp_id for one in self.organisations if one.peers]

    def reached(self, host: str) -> str:
        """Return how `host` is reached from this machine: containers by the ports that they publish here."""
        return LOOPBACK if self.mode is Mode.COMPOSE else host

    def part(self, part: Part) -> OrganisationPlan:
        """Return the first organisation with this part; platform and supervisor are always there."""
        return next(one for one in self.organisations if one.part is part)

    def peers(self) -> Iterator[tuple[OrganisationPlan, Peer]]:
        """Yield the peers of this folder's organisations."""
        for organisation in self.here:
            for peer in organisation.peers:
                yield organisation, peer

    def orderers(self) -> Iterator[tuple[OrganisationPlan, Orderer]]:
        """Yield the orderers of this folder's organisations."""
        for organisation in self.here:
            for orderer in organisation.orderers:
                yield organisation, orderer
