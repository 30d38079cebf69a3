"""One run of a chaincode against a snapshot: what it reads is recorded, what it writes is kept aside.

Nothing changes the state here, and a read never sees the run's own writes, as on every Fabric peer.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from countermark.network.blocks.rwsets import (
    PrivateHashes,
    PrivateRead,
    PrivateWrite,
    RangeQuery,
    Read,
    ReadWriteSet,
    Version,
    Write,
)
from countermark.network.embedded.errors import SimulationError
from countermark.network.embedded.ledger.private import PrivateStore
from countermark.network.embedded.ledger.snapshots import HistoryRow, KeyValue, View
from countermark.network.embedded.rwset_encoding import encode_private, encode_public, encode_writes
from countermark.network.lifecycle.definition import Collection, Definition


@dataclass(frozen=True, slots=True)
class Results:
    """What a run read and would write; `private` is `None` if it wrote to no private collection."""

    rwset: ReadWriteSet
    public: bytes = field(repr=False)
    private: bytes | None = field(repr=False)
    private_reads: frozenset[str]
    """Collections whose values, not only hashes, were read: an endorser must hold these."""

    @classmethod
    def nothing(cls) -> "Results":
        """Return the results of a run that read and wrote no state."""
        return cls(ReadWriteSet(), b"", None, frozenset())


class RangeCursor:
    """A range that the chaincode reads bit by bit, on record for the check at commit."""

    def __init__(self, view: View, namespace: str, start: str, end: str) -> None:
        self._view = view
        self._namespace = namespace
        self._start, self._end = start, end
        self._reads: list[Read] = []
        self._exhausted = False

    def fetch(self, limit: int) -> tuple[list[KeyValue], str]:
        """Return the next keys, at most `limit`, and the key that follows these, or "" if there is none."""
        after = self._reads[-1].key if self._reads else None
        found = self._view.scan(self._namespace, self._start, self._end, limit=limit + 1, after=after)
        self._exhausted = len(found) <= limit
        following = "" if self._exhausted else found.pop().key
        self._reads.extend(Read(self._namespace, one.key, one.version) for one in found)
        return found, following

    def query(self) -> RangeQuery:
        """Return what has been read so far."""
        end = self._end if self._exhausted or not self._reads else self._reads[-1].key
        return RangeQuery(self._namespace, self._start, end, self._exhausted, tuple(self._reads))


class HistoryCursor:
    """The history of a key, read bit by bit; not part of what is checked at commit."""

    def __init__(self, view: View, namespace: str, key: str) -> None:
        self._view = view
        self._namespace, self._key = namespace, key
        self._before: Version | None = None

    def fetch(self, limit: int) -> tuple[list[HistoryRow], bool]:
        """Return the next older changes, at most `limit`, and whether there are more."""
        found = self._view.history(self._namespace, self._key, limit=limit + 1, before=self._before)
        rows = found[:limit]
        if rows:
            self._before = rows[-1].version
        return rows, len(found) > limit


class Simulation:
    """A run of the chaincode of `definition` by a client of `creator_msp` on the peer of `peer_msp`."""

    def __init__(
        self, view: View, private: PrivateStore, definition: Definition, *, creator_msp: str, peer_msp: str
    ) -> None:
        self._view = view
        self._private = private
        self._definition = definition
        self._namespace = definition.name
        self._creator_msp = creator_msp
        self._peer_msp = peer_msp
        self._reads: dict[str, Version | None] = {}
        self._writes: dict[str, bytes] = {}
        self._ranges: list[RangeCursor] = []
        self._paged = False
        self._hash_reads: dict[tuple[str, bytes], Version | None] = {}
        self._private_writes: dict[str, dict[str, bytes]] = {}
        self._private_reads: set[str] = set()
        self._purged: set[tuple[str, str]] = set()

    @property
    def namespace(self) -> str:
        """Name of the chaincode, under which its keys stand."""
        return self._namespace

    def get(self, key: str) -> bytes | None:
        """Return the committed value of `key`."""
        found = self._view.get(self._namespace, "", key.encode())
        self._reads[key] = found.version if found else None
        return found.value if found else None

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the committed values of `keys`, in their order."""
        found = self._view.get_many(self._namespace, keys)
        self._reads.update((key, found[key].version if key in found else None) for key in keys)
        return [found[key].value if key in found else None for key in keys]

    def put(self, key: str, value: bytes) -> None:
        """Write `key`; an empty value deletes it.

        Raises:
            SimulationError: The key is empty, or the run has read a page of a range.
        """
        self._before_write(key)
        self._writes[key] = value

    def scan(self, start: str, end: str) -> RangeCursor:
        """Return a cursor over start <= key < end."""
        cursor = RangeCursor(self._view, self._namespace, start, end)
        self._ranges.append(cursor)
        return cursor

    def scan_page(self, start: str, end: str) -> RangeCursor:
        """Return a cursor for one page of a range; a run that reads pages may not write.

        Raises:
            SimulationError: It has written already.
        """
        if self._writes or self._private_writes:
            raise SimulationError("unsupported_transaction", "paginated queries need a read-only transaction")
        self._paged = True
        return self.scan(start, end)

    def history(self, key: str) -> HistoryCursor:
        """Return a cursor over the committed changes of `key`, newest first."""
        return HistoryCursor(self._view, self._namespace, key)

    def get_private(self, collection: str, key: str) -> bytes | None:
        """Return the value of `key` in `collection`.

        Raises:
            SimulationError: Client or peer are no members, or the value is not available.
        """
        self._member(collection, "read")
        self._private_reads.add(collection)
        version = self._read_hash(collection, key)[1]
        if version is None:
            return None
        value = None
        if self._peer_msp in self._collection(collection).members:
            value = self._private.get(self._namespace, collection, _hash(key.encode()), version)
        if value is None:
            raise SimulationError(
                "private_data_unavailable", f"private data matching public hash version {version} is not available"
            )
        return value

    def get_private_hash(self, collection: str, key: str) -> bytes | None:
        """Return the SHA-256 of the value of `key` in `collection`, as anybody on the channel may.

        Raises:
            SimulationError: There is no such collection.
        """
        self._collection(collection)
        return self._read_hash(collection, key)[0]

    def put_private(self, collection: str, key: str, value: bytes) -> None:
        """Write `key` in `collection`; an empty value deletes it.

        Raises:
            SimulationError: The client is no member, or a public write would be refused.
        """
        self._member(collection, "write")
        self._before_write(key)
        self._private_writes.setdefault(collection, {})[key] = value
        self._purged.discard((collection, key))

    def purge_private(self, collection: str, key: str) -> None:
        """Delete `key` in `collection`, its earlier values as well.

        Raises:
            SimulationError: The client is no member, or a public write would be refused.
        """
        self.put_private(collection, key, b"")
        self._purged.add((collection, key))

    def results(self) -> Results:
        """Return what the run read and would write, in Fabric's canonical order."""
        namespace = self._namespace
        private = [(name, _private_bytes(namespace, writes)) for name, writes in sorted(self._private_writes.items())]
        touched = sorted({name for name, _ in self._hash_reads} | set(self._private_writes))
        encoded = dict(private)
        rwset = ReadWriteSet(
            reads=tuple(Read(namespace, key, version) for key, version in sorted(self._reads.items())),
            writes=_writes(namespace, self._writes),
            ranges=tuple(cursor.query() for cursor in self._ranges),
            private_hashes=tuple(self._hashes(name, encoded.get(name, b"")) for name in touched),
        )
        return Results(
            rwset=rwset,
            public=encode_public(namespace, rwset),
            private=encode_private(namespace, private) if private else None,
            private_reads=frozenset(self._private_reads),
        )

    def _hashes(self, collection: str, encoded: bytes) -> PrivateHashes:
        writes = [
            PrivateWrite(
                key_hash=_hash(key.encode()),
                value_hash=_hash(value) if value else b"",
                is_delete=not value,
                is_purge=(collection, key) in self._purged,
            )
            for key, value in self._private_writes.get(collection, {}).items()
        ]
        reads = [PrivateRead(key, version) for (name, key), version in self._hash_reads.items() if name == collection]
        return PrivateHashes(
            namespace=self._namespace,
            collection=collection,
            reads=tuple(sorted(reads, key=lambda read: read.key_hash)),
            writes=tuple(sorted(writes, key=lambda write: write.key_hash)),
            set_hash=_hash(encoded) if encoded else b"",
        )

    def _read_hash(self, collection: str, key: str) -> tuple[bytes | None, Version | None]:
        key_hash = _hash(key.encode())
        found = self._view.get(self._namespace, collection, key_hash)
        self._hash_reads[collection, key_hash] = found.version if found else None
        return (found.value, found.version) if found else (None, None)

    def _before_write(self, key: str) -> None:
        if not key:
            raise SimulationError("empty_key", "a key may not be empty")
        if self._paged:
            raise SimulationError("unsupported_transaction", "a transaction that read a page may not write")

    def _collection(self, name: str) -> Collection:
        collection = self._definition.collection(name)
        if collection is None:
            raise SimulationError("no_such_collection", f"collection {name} is not defined for {self._namespace}")
        return collection

    def _member(self, name: str, access: str) -> None:
        if self._creator_msp not in self._collection(name).members:
            raise SimulationError(
                "not_a_member",
                f"tx creator does not have {access} access permission on privatedata in "
                f"chaincodeName:{self._namespace} collectionName: {name}",
            )


def _writes(namespace: str, writes: dict[str, bytes]) -> tuple[Write, ...]:
    return tuple(Write(namespace, key, value, not value) for key, value in sorted(writes.items()))


def _private_bytes(namespace: str, writes: dict[str, bytes]) -> bytes:
    return encode_writes(_writes(namespace, writes))


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
