"""What a channel is to begin with: its organisations, its orderers, how blocks are cut."""

from dataclasses import dataclass

from countermark.network.identities import Msp


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a node listens, as other organisations reach it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PeerOrganisation:
    """An organisation that runs peers and endorses."""

    msp: Msp
    anchor_peers: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class OrdererOrganisation:
    """An organisation that runs orderers, and where these are."""

    msp: Msp
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Consenter:
    """An orderer that takes part in ordering, with its certificates (PEM)."""

    endpoint: Endpoint
    client_tls_cert: bytes
    server_tls_cert: bytes
    msp_id: str = ""
    """Its organisation; BFT wants it, Raft has no place for it."""
    identity: bytes = b""
    """The certificate with whose key it signs blocks; BFT wants it, Raft has no place for it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """When a block is cut: after so many transactions or bytes, or so long after its first transaction."""

    timeout_ms: int = 250
    max_messages: int = 100
    absolute_max_bytes: int = 10 * 1024 * 1024
    preferred_max_bytes: int = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Raft:
    """Timing of the Raft cluster; with a tick of 100 ms a lost leader is replaced in 2 to 3 s."""

    tick_ms: int = 100
    election_ticks: int = 10
    heartbeat_ticks: int = 1
    max_inflight_blocks: int = 5
    snapshot_interval_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bft:
    """Timing of ordering among whom up to a third may lie, less one: of 4 consenters 1, of 7 consenters 2."""

    batch_interval_ms: int = 200
    forward_timeout_ms: int = 2_000
    """After so long a follower hands a request to the leader, which may not have got it."""
    complain_timeout_ms: int = 10_000
    """After so long more it asks for another leader."""
    view_change_resend_ms: int = 2_000
    view_change_timeout_ms: int = 10_000
    heartbeat_timeout_ms: int = 10_000
    """A leader that is not heard of for so long is replaced."""
    heartbeat_count: int = 10
    """How often it is heard of in that time."""


@dataclass(frozen=True, slots=True)
class ChannelDefinition:
    """A channel before its first block."""

    channel: str
    organisations: tuple[PeerOrganisation, ...]
    orderers: tuple[OrdererOrganisation, ...]
    consenters: tuple[Consenter, ...]
    batch: Batch = Batch()
    consensus: Raft | Bft = Raft()
