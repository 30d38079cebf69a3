"""A stub over a real peer: each method is one or more requests on the stream."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

from fabric_protos.ledger.queryresult import kv_query_result_pb2 as results_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim_pb2
from google.protobuf.message import DecodeError

from countermark.chaincode.shim import keys
from countermark.chaincode.shim.call import Call, OfCall
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.stub import Event, HistoryEntry, Page

Ask = Callable[[int, bytes], Awaitable[bytes]]
"""Sends a request of a `ChaincodeMessage` type and returns the payload of the peer's RESPONSE."""

_VALIDATION_PARAMETER: Final = "VALIDATION_PARAMETER"
_M = shim_pb2.ChaincodeMessage
_W = shim_pb2.WriteRecord


class Batches(NamedTuple):
    """How many writes and reads a peer takes in one message, which it says when the stream becomes ready; 0 for none.

    Fabric's peers take several writes and reads since version 3.1.
    """

    writes: int = 0
    reads: int = 0


class PeerStub(OfCall):
    """The `Stub` of one invocation on a peer.

    Where the peer takes batches, writes are kept until `flush` and go out together; a read never sees them anyway,
    and an unlawful write is then refused at the end of the invocation and not where it was made.
    """

    def __init__(self, call: Call, ask: Ask, batches: Batches) -> None:
        super().__init__(call)
        self.event: Event | None = None
        self._ask = ask
        self._batches = batches
        self._batch: list[Any] = []

    async def get_state(self, key: str) -> bytes | None:
        """See `Stub.get_state`."""
        keys.check_key(key)
        request = shim_pb2.GetState(key=key)
        return await self._ask(_M.GET_STATE, request.SerializeToString()) or None

    async def get_states(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """See `Stub.get_states`."""
        size = self._batches.reads
        if len(keys) < 2 or size < 2:
            return [await self.get_state(key) for key in keys]
        values: list[bytes | None] = []
        for begin in range(0, len(keys), size):
            values.extend(await self._get_batch(keys[begin : begin + size]))
        return values

    async def put_state(self, key: str, value: bytes) -> None:
        """See `Stub.put_state`."""
        keys.check_key(key)
        await self._write(_W.PUT_STATE, "", key, value)

    async def del_state(self, key: str) -> None:
        """See `Stub.del_state`."""
        keys.check_key(key)
        await self._write(_W.DEL_STATE, "", key)

    async def get_state_by_range(self, start: str, end: str, *, page_size: int = 0, bookmark: str = "") -> Page:
        """See `Stub.get_state_by_range`."""
        first = keys.check_range(start, end, page_size, bookmark)
        request = shim_pb2.GetStateByRange(startKey=first, endKey=end)
        if page_size:
            pages = shim_pb2.QueryMetadata(pageSize=page_size, bookmark=bookmark)
            request.metadata = pages.SerializeToString()
        answer = await self._query(_M.GET_STATE_BY_RANGE, request)
        metadata = _decode(shim_pb2.QueryResponseMetadata, answer.metadata)
        limit = page_size or keys.MOST_ROWS + 1
        rows = [_decode(results_pb2.KV, row) for row in await self._rows(answer, limit)]
        keys.check_scan(len(rows), page_size)
        return Page(tuple((row.key, row.value) for row in rows), metadata.bookmark)

    async def get_history_for_key(self, key: str, *, limit: int = 1_000) -> Sequence[HistoryEntry]:
        """See `Stub.get_history_for_key`."""
        keys.check_key(key)
        answer = await self._query(_M.GET_HISTORY_FOR_KEY, shim_pb2.GetHistoryForKey(key=key))
        return tuple(_history_entry(row) for row in await self._rows(answer, limit))

    async def get_private_data(self, collection: str, key: str) -> bytes | None:
        """See `Stub.get_private_data`."""
        return await self._ask(_M.GET_STATE, _private_key(shim_pb2.GetState, collection, key)) or None

    async def get_private_data_hash(self, collection: str, key: str) -> bytes | None:
        """See `Stub.get_private_data_hash`."""
        request = _private_key(shim_pb2.GetState, collection, key)
        digest = await self._ask(_M.GET_PRIVATE_DATA_HASH, request) or None
        if digest is not None and len(digest) != hashlib.sha256().digest_size:
            raise ShimError("the peer answered with something that is no SHA-256 digest")
        return digest

    async def put_private_data(self, collection: str, key: str, value: bytes) -> None:
        """See `Stub.put_private_data`."""
        _check_private(collection, key)
        await self._write(_W.PUT_STATE, collection, key, value)

    async def del_private_data(self, collection: str, key: str) -> None:
        """See `Stub.del_private_data`."""
        _check_private(collection, key)
        await self._write(_W.DEL_STATE, collection, key)

    async def purge_private_data(self, collection: str, key: str) -> None:
        """See `Stub.purge_private_data`."""
        _check_private(collection, key)
        await self._write(_W.PURGE_PRIVATE_DATA, collection, key)

    async def get_state_validation_parameter(self, key: str) -> bytes | None:
        """See `Stub.get_state_validation_parameter`."""
        keys.check_key(key)
        request = shim_pb2.GetStateMetadata(key=key)
        payload = await self._ask(_M.GET_STATE_METADATA, request.SerializeToString())
        for entry in _decode(shim_pb2.StateMetadataResult, payload).entries:
            if entry.metakey == _VALIDATION_PARAMETER:
                return bytes(entry.value) or None
        return None

    async def set_state_validation_parameter(self, key: str, policy: bytes) -> None:
        """See `Stub.set_state_validation_parameter`."""
        keys.check_key(key)
        await self._write(_W.PUT_STATE_METADATA, "", key, policy)

    def set_event(self, name: str, payload: bytes) -> None:
        """See `Stub.set_event`."""
        keys.check_event(name)
        self.event = Event(name, bytes(payload))

    async def flush(self) -> None:
        """Send the writes that are still kept; call it once, when the contract has succeeded."""
        records, self._batch = self._batch, []
        size = self._batches.writes
        for begin in range(0, len(records), size or 1):
            batch = shim_pb2.WriteBatchState(rec=records[begin : begin + size])
            await self._ask(_M.WRITE_BATCH_STATE, batch.SerializeToString())

    async def _get_batch(self, batch: Sequence[str]) -> list[bytes | None]:
        for key in batch:
            keys.check_key(key)
        request = shim_pb2.GetStateMultiple(keys=batch)
        payload = await self._ask(_M.GET_STATE_MULTIPLE, request.SerializeToString())
        values = _decode(shim_pb2.GetStateMultipleResult, payload).values
        # A peer of Fabric whose database fails answers with no values, which must not pass for absent keys.
        if len(values) != len(batch):
            raise ShimError(f"the peer answered with {len(values)} values for {len(batch)} keys")
        return [value or None for value in values]

    async def _write(self, kind: int, collection: str, key: str, value: bytes = b"") -> None:
        if self._batches.writes:
            self._batch.append(_record(kind, collection, key, value))
        else:
            message_type, build = _WRITES[kind]
            await self._ask(message_type, build(collection, key, value).SerializeToString())

    async def _query(self, kind: int, request: Any) -> Any:
        return _decode(shim_pb2.QueryResponse, await self._ask(kind, request.SerializeToString()))

    async def _rows(self, answer: Any, limit: int) -> list[bytes]:
        """Return up to `limit` rows of a query, and close it at the peer if there are more."""
        rows = [row.resultBytes for row in answer.results]
        while answer.has_more and len(rows) < limit:
            answer = await self._query(_M.QUERY_STATE_NEXT, shim_pb2.QueryStateNext(id=answer.id))
            rows.extend(row.resultBytes for row in answer.results)
        if answer.has_more:
            await self._query(_M.QUERY_STATE_CLOSE, shim_pb2.QueryStateClose(id=answer.id))
        return rows[:limit]


def _metadata(policy: bytes) -> Any:
    return shim_pb2.StateMetadata(metakey=_VALIDATION_PARAMETER, value=policy)


_WRITES: Final[dict[int, tuple[int, Callable[[str, str, bytes], Any]]]] = {
    _W.PUT_STATE: (
        _M.PUT_STATE,
        lambda collection, key, value: shim_pb2.PutState(collection=collection, key=key, value=value),
    ),
    _W.DEL_STATE: (_M.DEL_STATE, lambda collection, key, _: shim_pb2.DelState(collection=collection, key=key)),
    _W.PURGE_PRIVATE_DATA: (
        _M.PURGE_PRIVATE_DATA,
        lambda collection, key, _: shim_pb2.PurgePrivateState(collection=collection, key=key),
    ),
    _W.PUT_STATE_METADATA: (
        _M.PUT_STATE_METADATA,
        lambda collection, key, policy: shim_pb2.PutStateMetadata(
            collection=collection, key=key, metadata=_metadata(policy)
        ),
    ),
}
"""By kind of write: the message of its own, for peers that take no batches."""


def _record(kind: int, collection: str, key: str, value: bytes) -> Any:
    if kind == _W.PUT_STATE_METADATA:
        return _W(type=kind, collection=collection, key=key, metadata=_metadata(value))
    return _W(type=kind, collection=collection, key=key, value=value)


def _decode(message_class: Any, payload: bytes) -> Any:
    try:
        return message_class.FromString(payload)
    except DecodeError as error:
        raise ShimError(f"the peer answered with something that is no {message_class.__name__}") from error


def _check_private(collection: str, key: str) -> None:
    keys.check_collection(collection)
    keys.check_key(key)


def _private_key(request: Any, collection: str, key: str) -> bytes:
    _check_private(collection, key)
    payload: bytes = request(collection=collection, key=key).SerializeToString()
    return payload


def _history_entry(row: bytes) -> HistoryEntry:
    change = _decode(results_pb2.KeyModification, row)
    return HistoryEntry(
        tx_id=change.tx_id,
        timestamp_ms=change.timestamp.seconds * 1_000 + change.timestamp.nanos // 1_000_000,
        is_delete=change.is_delete,
        value=change.value,
    )
