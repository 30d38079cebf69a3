"""Read-write sets to bytes: the other direction of `network.blocks.rwsets`.

Encoding is deterministic: every endorser that saw the same state and ran the same code produces the same bytes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from countermark.network.blocks.rwsets import PrivateHashes, RangeQuery, Read, ReadWriteSet, Version, Write
from countermark.network.envelopes.wire import decode, encode


def encode_public(namespace: str, rwset: ReadWriteSet) -> bytes:
    """Return the bytes of Fabric's TxReadWriteSet for `rwset`, all of which is about `namespace`."""
    public = kv_rwset_pb2.KVRWSet(
        reads=[_read(read) for read in rwset.reads],
        writes=[_write(write) for write in rwset.writes],
        range_queries_info=[_range(query) for query in rwset.ranges],
    )
    message = rwset_pb2.TxReadWriteSet(data_model=rwset_pb2.TxReadWriteSet.KV)
    message.ns_rwset.add(
        namespace=namespace,
        rwset=encode(public),
        collection_hashed_rwset=[_hashed(hashes) for hashes in rwset.private_hashes],
    )
    return encode(message)


def encode_writes(writes: Iterable[Write]) -> bytes:
    """Return the bytes of a KVRWSet with nothing but `writes`: what members keep of one private collection."""
    return encode(kv_rwset_pb2.KVRWSet(writes=[_write(write) for write in writes]))


def decode_writes(namespace: str, data: bytes) -> tuple[Write, ...]:
    """Return the writes in the bytes of a KVRWSet of `namespace`.

    Raises:
        EnvelopeError: The bytes do not parse.
    """
    message = decode(kv_rwset_pb2.KVRWSet, data, "read-write set")
    return tuple(Write(namespace, write.key, write.value, write.is_delete) for write in message.writes)


def encode_private(namespace: str, collections: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the bytes of Fabric's TxPvtReadWriteSet for collections (name, bytes of their KVRWSet)."""
    message = rwset_pb2.TxPvtReadWriteSet(data_model=rwset_pb2.TxReadWriteSet.KV)
    message.ns_pvt_rwset.add(
        namespace=namespace,
        collection_pvt_rwset=[
            rwset_pb2.CollectionPvtReadWriteSet(collection_name=name, rwset=data) for name, data in collections
        ],
    )
    return encode(message)


def decode_private(data: bytes) -> tuple[tuple[str, str, bytes], ...]:
    """Return (namespace, collection, bytes of its KVRWSet) of a TxPvtReadWriteSet.

    Raises:
        EnvelopeError: The bytes do not parse.
    """
    message = decode(rwset_pb2.TxPvtReadWriteSet, data, "private read-write set")
    return tuple(
        (entry.namespace, collection.collection_name, collection.rwset)
        for entry in message.ns_pvt_rwset
        for collection in entry.collection_pvt_rwset
    )


def _range(query: RangeQuery) -> Any:
    return kv_rwset_pb2.RangeQueryInfo(
        start_key=query.start,
        end_key=query.end,
        itr_exhausted=query.exhausted,
        raw_reads=kv_rwset_pb2.QueryReads(kv_reads=[_read(read) for read in query.reads]),
    )


def _hashed(hashes: PrivateHashes) -> Any:
    message = kv_rwset_pb2.HashedRWSet()
    for read in hashes.reads:
        message.hashed_reads.add(key_hash=read.key_hash, version=_version(read.version))
    for write in hashes.writes:
        message.hashed_writes.add(
            key_hash=write.key_hash,
            is_delete=write.is_delete,
            value_hash=write.value_hash,
            is_purge=write.is_purge,
        )
    return rwset_pb2.CollectionHashedReadWriteSet(
        collection_name=hashes.collection, hashed_rwset=encode(message), pvt_rwset_hash=hashes.set_hash
    )


def _read(read: Read) -> Any:
    return kv_rwset_pb2.KVRead(key=read.key, version=_version(read.version))


def _write(write: Write) -> Any:
    return kv_rwset_pb2.KVWrite(key=write.key, is_delete=write.is_delete, value=write.value)


def _version(version: Version | None) -> Any:
    return None if version is None else kv_rwset_pb2.Version(block_num=version[0], tx_num=version[1])
