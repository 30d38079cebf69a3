"""protos.Deliver: streams of blocks, whole or filtered, from any block on and following the ledger."""

import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final, NamedTuple

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_event_pb2, events_pb2, events_pb2_grpc, transaction_pb2

from countermark.network.blocks import parse_block
from countermark.network.embedded.endorsement import clock_ms
from countermark.network.embedded.following import Followers
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.membership import READERS, Membership
from countermark.network.embedded.services.statuses import CallError, abort
from countermark.network.embedded.services.streams import Slots, watch_end
from countermark.network.envelopes import Edge, Envelope, Seek
from countermark.network.envelopes.wire import encode
from countermark.network.errors import EnvelopeError, IdentityError, SignatureError

_TIME_WINDOW_MS: Final = 15 * 60 * 1000
# common.Status
_SUCCESS: Final = 200
_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_UNAVAILABLE: Final = 503


class _Range(NamedTuple):
    """Blocks `start` to `stop`; with `wait`, those to come are waited for."""

    start: int
    stop: int
    wait: bool


class DeliverService(events_pb2_grpc.DeliverServicer):  # type: ignore[misc] # generated without types
    """Block streams for the readers of `channel`."""

    def __init__(
        self, channel: str, *, ledger: Ledger, followers: Followers, membership: Membership, slots: Slots
    ) -> None:
        self._channel = channel
        self._ledger = ledger
        self._followers = followers
        self._membership = membership
        self._slots = slots

    def Deliver(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802 - Fabric's name
        """Yield whole blocks, then the status, for each request of the stream."""
        yield from self._serve(requests, context, _whole)

    def DeliverFiltered(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802 - Fabric's name
        """Yield what a client needs to follow its transactions, without their contents."""
        yield from self._serve(requests, context, filtered_block)

    def _serve(self, requests: Iterator[Any], context: Any, convert: Callable[[bytes], Any]) -> Iterator[Any]:
        try:
            slot = self._slots.take()
        except CallError as error:
            abort(context, error)
        with slot:
            ended = watch_end(context, self._followers)
            for request in requests:
                status, wanted = self._authorise(request)
                if wanted is not None:
                    status = yield from self._blocks(wanted, ended, convert)
                yield events_pb2.DeliverResponse(status=status)
                if status != _SUCCESS:
                    return

    def _blocks(
        self, wanted: _Range, ended: threading.Event, convert: Callable[[bytes], Any]
    ) -> Generator[Any, None, int]:
        for number in range(wanted.start, wanted.stop + 1):
            if not wanted.wait and number >= self._followers.height:
                return _NOT_FOUND
            if not self._followers.wait_block(number, lambda: not ended.is_set()):
                return _UNAVAILABLE
            yield convert(self._ledger.block(number))
        return _SUCCESS

    def _authorise(self, request: Any) -> tuple[int, _Range | None]:
        """Return the status of a request that cannot be served, or the blocks that one asks for."""
        now_ms = clock_ms()
        try:
            envelope = Envelope.parse(encode(request))
            seek = Seek.parse(envelope)
            header = envelope.header
            if abs(header.timestamp_ms - now_ms) > _TIME_WINDOW_MS:
                return _BAD_REQUEST, None
            if header.channel != self._channel:
                return _NOT_FOUND, None
            self._membership.authenticate(
                header.creator, envelope.signature, envelope.payload, at_ms=now_ms, roles=READERS
            )
        except EnvelopeError:
            return _BAD_REQUEST, None
        except (IdentityError, SignatureError):
            return _FORBIDDEN, None
        wanted = self._range(seek)
        if wanted.stop < wanted.start and seek.stop != seek.start:
            return _BAD_REQUEST, None
        return _SUCCESS, wanted

    def _range(self, seek: Seek) -> _Range:
        height = self._followers.height
        positions = {Edge.OLDEST: 0, Edge.NEWEST: max(height - 1, 0), Edge.NEXT_COMMIT: height}
        start = positions[seek.start] if isinstance(seek.start, Edge) else seek.start
        stop = positions[seek.stop] if isinstance(seek.stop, Edge) else seek.stop
        return _Range(start, stop, seek.wait)


def _whole(data: bytes) -> Any:
    return events_pb2.DeliverResponse(block=common_pb2.Block.FromString(data))


def filtered_block(data: bytes) -> Any:
    """Return the response with the filtered form of the block `data`: ids, verdicts, and names of events.

    Raises:
        EnvelopeError: The bytes are not a block.
    """
    block = parse_block(data)
    filtered = events_pb2.FilteredBlock(number=block.number)
    for transaction in block.transactions:
        if transaction.envelope is None:
            continue
        filtered.channel_id = transaction.channel
        entry = filtered.filtered_transactions.add(
            txid=transaction.tx_id,
            type=int(transaction.envelope.header.type),
            tx_validation_code=transaction_pb2.TxValidationCode.Name(transaction.validation_code),
        )
        if transaction.event is not None:
            # Without its payload: filtered blocks are for those who may not see contents.
            event = chaincode_event_pb2.ChaincodeEvent(
                chaincode_id=transaction.event.chaincode,
                tx_id=transaction.event.tx_id,
                event_name=transaction.event.name,
            )
            entry.transaction_actions.chaincode_actions.add(chaincode_event=event)
    return events_pb2.DeliverResponse(filtered_block=filtered)
