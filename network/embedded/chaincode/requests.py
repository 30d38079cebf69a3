"""What a running chaincode may ask of the peer, message by message, as Fabric's peers answer it."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim_pb2

from countermark.network.embedded.errors import SimulationError, StorageError
from countermark.network.embedded.simulation import HistoryCursor, RangeCursor, Simulation
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError

BATCH: Final = 100
"""Results of a query that go into one message."""

TOTAL: Final = 100_000
"""Results that one page of a range may have."""

WRITES: Final = 1000
"""Writes that the chaincode may put into one message."""

READS: Final = 1000
"""Keys that the chaincode may ask for in one message."""

_Type = shim_pb2.ChaincodeMessage.Type


class Session:
    """One run of a chaincode: its simulation and the queries that it has open."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self._cursors: dict[str, RangeCursor | HistoryCursor] = {}
        self._ids = itertools.count(1)

    def answer(self, kind: int, payload: bytes) -> bytes:
        """Return the payload of the RESPONSE to a message of type `kind`.

        Raises:
            SimulationError: Fabric refuses this, or the embedded peer does not offer it.
        """
        handler = _HANDLERS.get(kind)
        if handler is None:
            raise SimulationError("not_supported", f"the embedded peer does not answer {_name(kind)}")
        try:
            return handler(self, payload)
        except (EnvelopeError, StorageError) as error:
            raise SimulationError(error.code, error.detail) from error

    def _get_state(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.GetState, payload, "GetState")
        if wire.collection:
            return self.simulation.get_private(wire.collection, wire.key) or b""
        return self.simulation.get(wire.key) or b""

    def _get_states(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.GetStateMultiple, payload, "GetStateMultiple")
        if wire.collection:
            values = [self.simulation.get_private(wire.collection, key) for key in wire.keys]
        else:
            values = self.simulation.get_many(list(wire.keys))
        return encode(shim_pb2.GetStateMultipleResult(values=[value or b"" for value in values]))

    def _put_state(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.PutState, payload, "PutState")
        self._put(wire.collection, wire.key, wire.value)
        return b""

    def _del_state(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.DelState, payload, "DelState")
        self._put(wire.collection, wire.key, b"")
        return b""

    def _write_batch(self, payload: bytes) -> bytes:
        for record in decode(shim_pb2.WriteBatchState, payload, "WriteBatchState").rec:
            match record.type:
                case shim_pb2.WriteRecord.PUT_STATE:
                    self._put(record.collection, record.key, record.value)
                case shim_pb2.WriteRecord.DEL_STATE:
                    self._put(record.collection, record.key, b"")
                case shim_pb2.WriteRecord.PURGE_PRIVATE_DATA:
                    self.simulation.purge_private(record.collection, record.key)
                case _:
                    raise SimulationError("not_supported", "a write that the embedded peer does not take")
        return b""

    def _put(self, collection: str, key: str, value: bytes) -> None:
        if collection:
            self.simulation.put_private(collection, key, value)
        else:
            self.simulation.put(key, value)

    def _purge_private(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.PurgePrivateState, payload, "PurgePrivateState")
        self.simulation.purge_private(wire.collection, wire.key)
        return b""

    def _get_private_hash(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.GetState, payload, "GetState")
        return self.simulation.get_private_hash(wire.collection, wire.key) or b""

    def _get_metadata(self, payload: bytes) -> bytes:
        # Key-level endorsement policies cannot be set here, so no key has one.
        decode(shim_pb2.GetStateMetadata, payload, "GetStateMetadata")
        return encode(shim_pb2.StateMetadataResult())

    def _get_state_by_range(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.GetStateByRange, payload, "GetStateByRange")
        if wire.collection:
            raise SimulationError("not_supported", "the embedded peer does not range over private data")
        metadata = decode(shim_pb2.QueryMetadata, wire.metadata, "QueryMetadata")
        if not metadata.pageSize and not metadata.bookmark:
            return self._batch(self._open(self.simulation.scan(wire.startKey, wire.endKey)))
        cursor = self.simulation.scan_page(metadata.bookmark or wire.startKey, wire.endKey)
        found, bookmark = cursor.fetch(min(metadata.pageSize or TOTAL, TOTAL))
        response = shim_pb2.QueryResponse(results=[_result(self._key_value(one)) for one in found])
        response.metadata = encode(
            shim_pb2.QueryResponseMetadata(fetched_records_count=len(found), bookmark=bookmark)
        )
        return encode(response)

    def _get_history(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.GetHistoryForKey, payload, "GetHistoryForKey")
        return self._batch(self._open(self.simulation.history(wire.key)))

    def _query_next(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.QueryStateNext, payload, "QueryStateNext")
        if wire.id not in self._cursors:
            raise SimulationError("no_such_query", "query iterator not found")
        return self._batch(wire.id)

    def _query_close(self, payload: bytes) -> bytes:
        wire = decode(shim_pb2.QueryStateClose, payload, "QueryStateClose")
        self._cursors.pop(wire.id, None)
        return encode(shim_pb2.QueryResponse(has_more=False, id=wire.id))

    def _open(self, cursor: RangeCursor | HistoryCursor) -> str:
        identifier = str(next(self._ids))
        self._cursors[identifier] = cursor
        return identifier

    def _batch(self, identifier: str) -> bytes:
        cursor = self._cursors[identifier]
        if isinstance(cursor, RangeCursor):
            found, following = cursor.fetch(BATCH)
            results, more = [self._key_value(one) for one in found], bool(following)
        else:
            rows, more = cursor.fetch(BATCH)
            results = [_modification(row) for row in rows]
        if not more:
            del self._cursors[identifier]
        return encode(shim_pb2.QueryResponse(results=[_result(one) for one in results], has_more=more, id=identifier))

    def _key_value(self, one: Any) -> Any:
        namespace = self.simulation.namespace
        return kv_query_result_pb2.KV(namespace=namespace, key=one.key, value=one.value)


# Made once, not for each run: to ask a protobuf class for the number of a type takes a microsecond.
_HANDLERS: Final[Mapping[int, Callable[[Session, bytes], bytes]]] = {
    _Type.GET_STATE: Session._get_state,
    _Type.GET_STATE_MULTIPLE: Session._get_states,
    _Type.PUT_STATE: Session._put_state,
    _Type.DEL_STATE: Session._del_state,
    _Type.GET_STATE_BY_RANGE: Session._get_state_by_range,
    _Type.GET_HISTORY_FOR_KEY: Session._get_history,
    _Type.QUERY_STATE_NEXT: Session._query_next,
    _Type.QUERY_STATE_CLOSE: Session._query_close,
    _Type.GET_PRIVATE_DATA_HASH: Session._get_private_hash,
    _Type.PURGE_PRIVATE_DATA: Session._purge_private,
    _Type.GET_STATE_METADATA: Session._get_metadata,
    _Type.WRITE_BATCH_STATE: Session._write_batch,
}


def _result(message: Any) -> Any:
    return shim_pb2.QueryResultBytes(resultBytes=encode(message))


def _modification(row: Any) -> Any:
    message = kv_query_result_pb2.KeyModification(tx_id=row.tx_id, value=row.value, is_delete=row.is_delete)
    message.timestamp.FromMilliseconds(row.timestamp_ms)
    return message


def _name(kind: int) -> str:
    try:
        return str(_Type.Name(kind))
    except ValueError:
        return f"messages of type {kind}"
