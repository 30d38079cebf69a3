"""What a transaction read and would write, as its endorsers found it (rwset.TxReadWriteSet)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from countermark.network.blocks.rangereads import ReadsSummary, summarise
from countermark.network.envelopes.wire import decode
from countermark.network.errors import EnvelopeError

Version = tuple[int, int]
"""Block number and position of the transaction that last wrote a key."""


@dataclass(frozen=True, slots=True)
class Read:
    """A key that was read and the version that it had; None if it did not exist."""

    namespace: str
    key: str
    version: Version | None


@dataclass(frozen=True, slots=True)
class Write:
    """A key that gets `value`, or is deleted."""

    namespace: str
    key: str
    value: bytes = field(repr=False)
    is_delete: bool


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """A range that was read, with what was found in it: each key, or for long ones a summary of them."""

    namespace: str
    start: str
    end: str
    exhausted: bool
    reads: tuple[Read, ...]
    summary: ReadsSummary | None = None

    @property
    def stop(self) -> str:
        """The first key that the check at commit leaves out; "" if it goes on to the last key there is.

        A range that was not read to its end is checked up to and with the last key that was read.
        """
        return self.end if self.exhausted or not self.end else self.end + "\x00"

    def unchanged(self, found: Sequence[tuple[str, Version]]) -> bool:
        """Return whether `found`, the keys now in the range with their versions, in order, is what was read."""
        if self.summary is not None:
            return summarise(found, self.summary.max_degree) == self.summary
        return list(found) == [(read.key, read.version) for read in self.reads]


@dataclass(frozen=True, slots=True)
class PrivateRead:
    """The hash of a private key that was read and its version; None if it did not exist."""

    key_hash: bytes
    version: Version | None


@dataclass(frozen=True, slots=True)
class PrivateWrite:
    """The hashes of a private key and of the value that it gets, or its deletion or purge."""

    key_hash: bytes
    value_hash: bytes
    is_delete: bool
    is_purge: bool


@dataclass(frozen=True, slots=True)
class PrivateHashes:
    """What a transaction did in one private collection, in hashes."""

    namespace: str
    collection: str
    reads: tuple[PrivateRead, ...]
    writes: tuple[PrivateWrite, ...]
    set_hash: bytes = field(repr=False)
    """SHA-256 of the private read-write set (kvrwset.KVRWSet) that members hold."""


@dataclass(frozen=True, slots=True)
class ReadWriteSet:
    """Reads, writes, ranges and private hashes of all namespaces, in the order of the wire."""

    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()
    ranges: tuple[RangeQuery, ...] = ()
    private_hashes: tuple[PrivateHashes, ...] = ()
    metadata_keys: tuple[tuple[str, str], ...] = ()
    """Namespace and key of each change of key-level metadata, that is of key-level endorsement.

    For a private key `collection/` and its hash in hexadecimal stand in place of the key.
    """

    @staticmethod
    def parse(data: bytes) -> "ReadWriteSet":
        """Return the set in the bytes of rwset.TxReadWriteSet.

        Raises:
            EnvelopeError: They do not parse.
        """
        reads: list[Read] = []
        writes: list[Write] = []
        ranges: list[RangeQuery] = []
        private: list[PrivateHashes] = []
        metadata: list[tuple[str, str]] = []
        for wire in decode(rwset_pb2.TxReadWriteSet, data, "read-write set").ns_rwset:
            name = wire.namespace
            public = decode(kv_rwset_pb2.KVRWSet, wire.rwset, "key-value read-write set")
            reads.extend(_read(name, one) for one in public.reads)
            writes.extend(Write(name, one.key, one.value, one.is_delete) for one in public.writes)
            ranges.extend(_range(name, one) for one in public.range_queries_info)
            metadata.extend((name, one.key) for one in public.metadata_writes)
            for one in wire.collection_hashed_rwset:
                hashed = decode(kv_rwset_pb2.HashedRWSet, one.hashed_rwset, "hashed read-write set")
                private.append(_private(name, one, hashed))
                metadata.extend(
                    (name, f"{one.collection_name}/{write.key_hash.hex()}") for write in hashed.metadata_writes
                )
        return ReadWriteSet(tuple(reads), tuple(writes), tuple(ranges), tuple(private), tuple(metadata))


def _version(wire: Any) -> Version | None:
    # The field is absent for a key that did not exist; (0, 0) is a real version.
    return (wire.version.block_num, wire.version.tx_num) if wire.HasField("version") else None


def _read(namespace: str, wire: Any) -> Read:
    return Read(namespace, wire.key, _version(wire))


def _range(namespace: str, wire: Any) -> RangeQuery:
    reads = tuple(_read(namespace, one) for one in wire.raw_reads.kv_reads)
    summary = None
    if wire.HasField("reads_merkle_hashes"):
        tree = wire.reads_merkle_hashes
        if tree.max_degree < 2:
            raise EnvelopeError("malformed_message", f"a tree of range reads with degree {tree.max_degree}")
        summary = ReadsSummary(tree.max_degree, tree.max_level, tuple(tree.max_level_hashes))
    return RangeQuery(namespace, wire.start_key, wire.end_key, wire.itr_exhausted, reads, summary)


def _private(namespace: str, wire: Any, hashed: Any) -> PrivateHashes:
    return PrivateHashes(
        namespace=namespace,
        collection=wire.collection_name,
        reads=tuple(PrivateRead(one.key_hash, _version(one)) for one in hashed.hashed_reads),
        writes=tuple(
            PrivateWrite(one.key_hash, one.value_hash, one.is_delete, one.is_purge) for one in hashed.hashed_writes
        ),
        set_hash=wire.pvt_rwset_hash,
    )
