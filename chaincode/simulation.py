"""One invocation on one peer in memory: a stub that behaves as Fabric's transaction simulator does.

Reads come from the last committed state and record the versions that they met; writes are only recorded. What
Fabric allows and the market forbids is refused here with `RuleBroken`, so that a test finds it: a range or
history read in an invocation that writes, and a read after the first write.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from countermark.chaincode.shim import keys
from countermark.chaincode.shim.call import Call, OfCall
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.stub import Event, HistoryEntry, Page, Response

Version = tuple[int, int]
"""Block number and position of the transaction that last wrote a key."""


class RuleBroken(AssertionError):  # noqa: N818 - an assertion about the contract, not an error that it handles
    """A contract did what Fabric lets pass, or may let pass, and the market's rules for chaincode forbid."""


@dataclass(frozen=True, slots=True)
class Versioned:
    """A committed value with the version of its last write and the key's own endorsement policy, if any."""

    value: bytes
    version: Version
    policy: bytes | None = None


@dataclass(frozen=True, slots=True)
class PrivateWrite:
    """What becomes of a private key: a new value, or `None` for its deletion."""

    value: bytes | None
    purge: bool = False


@dataclass(frozen=True, slots=True)
class RangeRead:
    """The keys, with versions, that a range showed; they must be the same when the transaction commits."""

    start: str
    end: str
    page_size: int
    met: tuple[tuple[str, Version], ...]


@dataclass(slots=True)
class World:
    """What a channel's peers have committed; `private` stands for the stores of all members of a collection."""

    collections: Mapping[str, frozenset[str]]
    state: dict[str, Versioned] = field(default_factory=dict)
    private: dict[tuple[str, str], Versioned] = field(default_factory=dict)
    history: dict[str, list[HistoryEntry]] = field(default_factory=dict)

    def range(self, start: str, end: str) -> list[tuple[str, Versioned]]:
        """Return the keys with start <= key < end in key order; "" is an open end."""
        return [(key, self.state[key]) for key in sorted(self.state) if start <= key and (not end or key < end)]


@dataclass(slots=True)
class Effects:
    """Read set, write set and event of one simulation."""

    reads: dict[str, Version | None] = field(default_factory=dict)
    private_reads: dict[tuple[str, str], Version | None] = field(default_factory=dict)
    ranges: list[RangeRead] = field(default_factory=list)
    writes: dict[str, bytes | None] = field(default_factory=dict)
    policies: dict[str, bytes] = field(default_factory=dict)
    private_writes: dict[tuple[str, str], PrivateWrite] = field(default_factory=dict)
    event: Event | None = None

    @property
    def writing(self) -> bool:
        """Whether anything has been written."""
        return bool(self.writes or self.policies or self.private_writes)

    def outcome(self, response: Response) -> bytes:
        """Return, in one canonical form, everything that endorsers sign and therefore must agree on.

        Like Fabric's read-write set: sorted by key, private values by their hashes only, event and response.
        """
        event = self.event and [self.event.name, self.event.payload.hex()]
        document = {
            "event": event,
            "policies": {key: policy.hex() for key, policy in self.policies.items()},
            "private_reads": [[*where, version] for where, version in sorted(self.private_reads.items())],
            "private_writes": [
                [collection, _hash(key.encode()), write.value and _hash(write.value), write.purge]
                for (collection, key), write in sorted(self.private_writes.items())
            ],
            "ranges": [[read.start, read.end, read.met] for read in self.ranges],
            "reads": self.reads,
            "response": [response.status, response.payload.hex(), response.message],
            "writes": {key: value and value.hex() for key, value in self.writes.items()},
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


class Simulation(OfCall):
    """A `Stub` over a `World`, on a peer of `endorser`."""

    def __init__(self, world: World, call: Call, endorser: str) -> None:
        super().__init__(call)
        self.effects = Effects()
        self.broken: RuleBroken | None = None
        self._world = world
        self._endorser = endorser
        self._scanned = False

    async def get_state(self, key: str) -> bytes | None:
        """See `Stub.get_state`."""
        found = self._read(key)
        return found.value if found else None

    async def get_states(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """See `Stub.get_states`."""
        return [await self.get_state(key) for key in keys]

    async def put_state(self, key: str, value: bytes) -> None:
        """See `Stub.put_state`."""
        keys.check_key(key)
        self._write()
        self.effects.writes[key] = bytes(value) or None

    async def del_state(self, key: str) -> None:
        """See `Stub.del_state`."""
        await self.put_state(key, b"")

    async def get_state_by_range(self, start: str, end: str, *, page_size: int = 0, bookmark: str = "") -> Page:
        """See `Stub.get_state_by_range`."""
        first = keys.check_range(start, end, page_size, bookmark)
        self._scan()
        found = self._world.range(bookmark or first, end)
        shown = found[:page_size] if page_size else found
        keys.check_scan(len(shown), page_size)
        met = tuple((key, entry.version) for key, entry in shown)
        self.effects.ranges.append(RangeRead(bookmark or first, end, page_size, met))
        following = found[len(shown)][0] if len(found) > len(shown) else ""
        return Page(tuple((key, entry.value) for key, entry in shown), following)

    async def get_history_for_key(self, key: str, *, limit: int = 1_000) -> Sequence[HistoryEntry]:
        """See `Stub.get_history_for_key`."""
        keys.check_key(key)
        self._scan()
        return tuple(reversed(self._world.history.get(key, ())))[:limit]

    async def get_private_data(self, collection: str, key: str) -> bytes | None:
        """See `Stub.get_private_data`."""
        members = self._members(collection)
        if self.creator_mspid not in members:
            raise ShimError(f"the client has no read access to collection {collection}")
        found = self._read_private(collection, key)
        if found and self._endorser not in members:
            raise ShimError(f"this peer does not hold the private data of collection {collection}")
        return found.value if found else None

    async def get_private_data_hash(self, collection: str, key: str) -> bytes | None:
        """See `Stub.get_private_data_hash`."""
        self._members(collection)
        found = self._read_private(collection, key)
        return hashlib.sha256(found.value).digest() if found else None

    async def put_private_data(self, collection: str, key: str, value: bytes) -> None:
        """See `Stub.put_private_data`."""
        self._write_private(collection, key, PrivateWrite(bytes(value) or None))

    async def del_private_data(self, collection: str, key: str) -> None:
        """See `Stub.del_private_data`."""
        self._write_private(collection, key, PrivateWrite(None))

    async def purge_private_data(self, collection: str, key: str) -> None:
        """See `Stub.purge_private_data`."""
        self._write_private(collection, key, PrivateWrite(None, purge=True))

    async def get_state_validation_parameter(self, key: str) -> bytes | None:
        """See `Stub.get_state_validation_parameter`."""
        found = self._read(key)
        return found.policy if found else None

    async def set_state_validation_parameter(self, key: str, policy: bytes) -> None:
        """See `Stub.set_state_validation_parameter`."""
        keys.check_key(key)
        self._write()
        self.effects.policies[key] = bytes(policy)

    def set_event(self, name: str, payload: bytes) -> None:
        """See `Stub.set_event`."""
        keys.check_event(name)
        self.effects.event = Event(name, bytes(payload))

    def _read(self, key: str) -> Versioned | None:
        keys.check_key(key)
        self._before_read()
        found = self._world.state.get(key)
        self.effects.reads[key] = found.version if found else None
        return found

    def _read_private(self, collection: str, key: str) -> Versioned | None:
        keys.check_key(key)
        self._before_read()
        found = self._world.private.get((collection, key))
        self.effects.private_reads[collection, key] = found.version if found else None
        return found

    def _write_private(self, collection: str, key: str, write: PrivateWrite) -> None:
        if self.creator_mspid not in self._members(collection):
            raise ShimError(f"the client has no write access to collection {collection}")
        keys.check_key(key)
        self._write()
        self.effects.private_writes[collection, key] = write

    def _members(self, collection: str) -> frozenset[str]:
        keys.check_collection(collection)
        try:
            return self._world.collections[collection]
        except KeyError:
            raise ShimError(f"collection {collection} is not defined") from None

    def _before_read(self) -> None:
        if self.effects.writing:
            self._break("reads after its first write; a read never sees this transaction's writes")

    def _write(self) -> None:
        if self._scanned:
            self._break("writes after a range or history read")

    def _scan(self) -> None:
        self._before_read()
        self._scanned = True

    def _break(self, what: str) -> None:
        # Remembered as well as raised: a contract that catches everything must not hide it from the test.
        self.broken = RuleBroken(f"{self.function} {what}")
        raise self.broken


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
