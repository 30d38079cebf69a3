"""What a contract may ask of the peer during one invocation.

Two classes implement `Stub`: `shim.peer_stub` over a real peer's stream, and `simulation` in memory.
Contracts see only this protocol, so what passes in memory runs on Fabric.

Three rules of Fabric hold for every implementation:

* A read never sees this invocation's own writes; it sees the last committed block.
* A value of zero length is the absence of a value: putting one deletes the key, reading one gives `None`.
* Nothing takes effect when the invocation is only evaluated, fails to be endorsed, or meets a conflict.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

OK: Final = 200
"""Status of a response that a peer endorses."""

ERROR_THRESHOLD: Final = 400
"""Peers endorse a response only if its status is below this."""

ERROR: Final = 500
"""Status of a refusal; `Response.message` then says why."""


@dataclass(frozen=True, slots=True)
class Response:
    """What an invocation returns: `payload` for a status below 400, `message` otherwise."""

    status: int
    payload: bytes = b""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Keys of a range in key order, and where to go on.

    `bookmark` is the start of the next page, or "" if this page is the last one.
    """

    items: tuple[tuple[str, bytes], ...]
    bookmark: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One committed change of a key; `value` is empty where `is_delete`."""

    tx_id: str
    timestamp_ms: int
    is_delete: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """The one chaincode event of a transaction."""

    name: str
    payload: bytes


class Stub(Protocol):
    """One invocation: what was asked, by whom, and the way to the state.

    Every method may raise `ShimError`; none of them returns a peer's error as a value.
    """

    @property
    def tx_id(self) -> str:
        """Transaction id, 64 hexadecimal digits."""

    @property
    def channel_id(self) -> str:
        """Channel in which the transaction was proposed."""

    @property
    def chaincode(self) -> str:
        """Name of the chaincode that the client asked: this one, unless another chaincode calls it."""

    @property
    def creator_mspid(self) -> str:
        """MSP of the client that signed the proposal; the peer has verified it."""

    @property
    def creator_certificate(self) -> bytes:
        """PEM certificate of the client that signed the proposal."""

    @property
    def timestamp_ms(self) -> int:
        """Transaction timestamp in ms since the epoch: chosen by the client, the same on every peer."""

    @property
    def function(self) -> str:
        """First argument of the proposal, or "" if there is none."""

    @property
    def args(self) -> Sequence[bytes]:
        """Arguments after the function's name."""

    @property
    def transient(self) -> Mapping[str, bytes]:
        """Transient map: seen by endorsing peers, never written to a block."""

    async def get_state(self, key: str) -> bytes | None:
        """Return the committed value of `key`, or `None`; records the key's version in the read set."""

    async def get_states(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the committed values of `keys` in their order, each as `get_state` does.

        Where the peer can, this is one request. All of `keys` are in the read set, whatever becomes of the values.
        """

    async def put_state(self, key: str, value: bytes) -> None:
        """Write `value` if the transaction commits. An empty key is refused, an empty value deletes."""

    async def del_state(self, key: str) -> None:
        """Delete `key` if the transaction commits; deleting an absent key is no error."""

    async def get_state_by_range(self, start: str, end: str, *, page_size: int = 0, bookmark: str = "") -> Page:
        r"""Return keys with start <= key < end; an open end for "".

        With `page_size` 0 all of them, refused if they are more than 10,000; else at most that many and a
        bookmark for the next call. Composite keys (first character \x00) never appear: an empty `start`
        means the first simple key. For evaluations only: Fabric refuses writes beside a range with a page
        size, and the market's rules refuse them beside any range.
        """

    async def get_history_for_key(self, key: str, *, limit: int = 1_000) -> Sequence[HistoryEntry]:
        """Return the last `limit` committed changes of `key`, newest first.

        For evaluations only: a history is no part of the read set.
        """

    async def get_private_data(self, collection: str, key: str) -> bytes | None:
        """Return the private value, or `None`; refused where peer or client is no member."""

    async def get_private_data_hash(self, collection: str, key: str) -> bytes | None:
        """Return the SHA-256 of the private value, or `None`; works on every peer of the channel."""

    async def put_private_data(self, collection: str, key: str, value: bytes) -> None:
        """Write a private value; the block gets only the hashes of key and value."""

    async def del_private_data(self, collection: str, key: str) -> None:
        """Delete a private value, keeping it in the peers' private history."""

    async def purge_private_data(self, collection: str, key: str) -> None:
        """Delete a private value and remove it from the peers' private history."""

    async def get_state_validation_parameter(self, key: str) -> bytes | None:
        """Return the key's own endorsement policy, a serialised SignaturePolicyEnvelope, or `None`."""

    async def set_state_validation_parameter(self, key: str, policy: bytes) -> None:
        """Set the key's own endorsement policy; `policy` is a bare serialised SignaturePolicyEnvelope."""

    def set_event(self, name: str, payload: bytes) -> None:
        """Attach the transaction's one event; a second call replaces the first, as in Fabric.

        It is delivered if and only if the transaction commits as valid.
        """


Handler = Callable[[Stub], Awaitable[Response]]
"""What runs an invocation: the contracts' registry in production, any coroutine function in tests."""
