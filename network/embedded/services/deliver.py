"""protos.Deliver: streams of blocks, whole, filtered or with private data, that follow the ledger."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NamedTuple

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_event_pb2, events_pb2, events_pb2_grpc, transaction_pb2

from countermark.network.blocks import parse_block
from countermark.network.embedded.endorsement import clock_ms
from countermark.network.embedded.following import Followers
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.ledger.private import PrivateStore
from countermark.network.embedded.membership import READERS, Membership
from countermark.network.embedded.rwset_encoding import encode_private
from countermark.network.envelopes import Edge, Envelope, Seek
from countermark.network.envelopes.wire import encode
from countermark.network.errors import EnvelopeError, IdentityError, SignatureError
from countermark.network.identities import Member
from countermark.network.lifecycle.definition import Definition

_TIME_WINDOW_MS: Final = 15 * 60 * 1000
# common.Status
_SUCCESS: Final = 200
_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_UNAVAILABLE: Final = 503


class Asked(NamedTuple):
    """Blocks from `start` on, up to and with number `stop` if it comes; with `wait`, those to come are waited for."""

    start: int
    stop: int
    wait: bool


class Delivered(NamedTuple):
    """A block for the member who asked for it."""

    block: bytes
    """common.Block."""
    reader: Member


class BlockStreams:
    """Blocks of `channel` for its readers, as they ask for them."""

    def __init__(self, channel: str, *, ledger: Ledger, followers: Followers, membership: Membership) -> None:
        self._channel = channel
        self._ledger = ledger
        self._followers = followers
        self._membership = membership

    async def serve(self, requests: AsyncIterator[Any]) -> AsyncIterator[Delivered | int]:
        """Yield the blocks that each request (common.Envelope) asks for, then how it ended (common.Status)."""
        async for request in requests:
            status, reader, wanted = self._authorise(request)
            number = wanted.start if wanted else 0
            while wanted is not None and reader is not None:
                if not wanted.wait and number >= self._followers.height:
                    status = _NOT_FOUND
                elif not await self._followers.wait_block(number):
                    status = _UNAVAILABLE
                if status != _SUCCESS:
                    break
                yield Delivered(self._ledger.block(number), reader)
                if number == wanted.stop:
                    break
                number += 1
            yield status
            if status != _SUCCESS:
                return

    def _authorise(self, request: Any) -> tuple[int, Member | None, Asked | None]:
        """Return the status of a request that cannot be served, or who asks for which blocks."""
        now_ms = clock_ms()
        try:
            envelope = Envelope.parse(encode(request))
            seek = Seek.parse(envelope)
            header = envelope.header
            if abs(header.timestamp_ms - now_ms) > _TIME_WINDOW_MS:
                return _BAD_REQUEST, None, None
            if header.channel != self._channel:
                return _NOT_FOUND, None, None
            reader = self._membership.authenticate(
                header.creator, envelope.signature, envelope.payload, at_ms=now_ms, roles=READERS
            )
        except EnvelopeError:
            return _BAD_REQUEST, None, None
        except (IdentityError, SignatureError):
            return _FORBIDDEN, None, None
        status, asked = blocks_asked_for(seek, self._followers.height)
        return status, reader, asked


class DeliverService(events_pb2_grpc.DeliverServicer):  # type: ignore[misc] # generated without types
    """The block streams of the peer of `msp_id`, which holds the private data of its organisation's collections."""

    def __init__(self, msp_id: str, streams: BlockStreams, *, private: PrivateStore, definition: Definition) -> None:
        self._msp_id = msp_id
        self._streams = streams
        self._private = private
        self._definition = definition

    async def Deliver(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802 - Fabric's name
        """Yield whole blocks, then the status, for each request of the stream."""
        async for response in self._respond(requests, _whole):
            yield response

    async def DeliverFiltered(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802 - Fabric's name
        """Yield what a client needs to follow its transactions, without their contents."""
        async for response in self._respond(requests, lambda delivered: filtered_block(delivered.block)):
            yield response

    async def DeliverWithPrivateData(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802 - Fabric's name
        """Yield whole blocks with the private data that both the reader's organisation and this peer's may hold."""
        async for response in self._respond(requests, self._with_private):
            yield response

    async def _respond(self, requests: AsyncIterator[Any], convert: Callable[[Delivered], Any]) -> AsyncIterator[Any]:
        async for item in self._streams.serve(requests):
            yield convert(item) if isinstance(item, Delivered) else events_pb2.DeliverResponse(status=item)

    def _with_private(self, delivered: Delivered) -> Any:
        block = common_pb2.Block.FromString(delivered.block)
        message = events_pb2.BlockAndPrivateData(block=block)
        shown = [
            one.name for one in self._definition.collections if {self._msp_id, delivered.reader.msp_id} <= one.members
        ]
        if shown:
            written = self._private.written(block.header.number, namespace=self._definition.name, collections=shown)
            for position, collections in written.items():
                data = encode_private(self._definition.name, list(collections.items()))
                message.private_data_map[position].MergeFromString(data)
        return events_pb2.DeliverResponse(block_and_private_data=message)


def blocks_asked_for(seek: Seek, height: int) -> tuple[int, Asked | None]:
    """Return the blocks that `seek` asks for of a ledger with `height` blocks, or the status that refuses it.

    The next block may be waited for, later ones may not: whoever asks for one knows of another ledger than this.
    The newest block as start and stop is one block, even if another comes meanwhile.
    """
    positions = {Edge.OLDEST: 0, Edge.NEWEST: height - 1, Edge.NEXT_COMMIT: height}
    start = positions[seek.start] if isinstance(seek.start, Edge) else seek.start
    if start > height:
        return _NOT_FOUND, None
    match seek.stop:
        case Edge.OLDEST:
            stop = start
        case Edge.NEWEST:
            stop = height - 1
        case Edge.NEXT_COMMIT:
            stop = 0  # peers do not know it as an end, and leave the number at that
        case number:
            stop = number
            if stop < start:
                return _BAD_REQUEST, None
    return _SUCCESS, Asked(start, stop, seek.wait)


def _whole(delivered: Delivered) -> Any:
    return events_pb2.DeliverResponse(block=common_pb2.Block.FromString(delivered.block))


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
