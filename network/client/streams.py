"""Streams of blocks and of chaincode events, as iterators that another thread may close."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
from fabric_protos.common import common_pb2

from countermark.network.blocks import Block, parse_block
from countermark.network.client.errors import DeliverError, LedgerError
from countermark.network.client.gateways import Attempt
from countermark.network.client.lookout import Lookout, Probe
from countermark.network.client.statuses import ledger_error
from countermark.network.envelopes import ChaincodeEvent
from countermark.network.errors import NetworkError
from countermark.protocol.errors import ErrorCode
from countermark.protocol.retries import Phase, Retry

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class BlockEvents:
    """The events of our chaincode in one block, of valid transactions only."""

    block_number: int
    events: tuple[ChaincodeEvent, ...]


class Stream(Iterator[Item], Generic[Item]):
    """Items of one streaming call; ends when all that was asked for has come, or when `close` was called.

    Iterating blocks until there is an item. `close` may be called from any thread and ends a blocked iteration.
    A stream that the peer ends too early raises `DeliverError`: what did not come must not pass for what is not.
    """

    def __init__(
        self,
        attempt: Attempt | None,
        call: Any,
        parse: Callable[[Any], Item | None],
        check_end: Callable[[], None],
        *,
        probe: Probe | None = None,
        endless: bool = False,
    ) -> None:
        """Read the responses of `call` through `parse`, which returns None at the end; `check_end` may refuse one.

        `attempt`, if there is one, is told how the gateway does. With a `probe` it breaks when the gateway does not
        answer that and there are others, and an `endless` stream when a gateway that is preferred is there again.
        """
        self._attempt = attempt
        self._answered = False
        self._call = call
        self._parse = parse
        self._check_end = check_end
        self._closed = threading.Event()
        self._why: DeliverError | None = None
        self._lookout: Lookout | None = None
        if probe is not None and attempt is not None and not attempt.alone:
            lookout = self._lookout = Lookout(attempt, probe, self._quit, endless=endless)
            # However the call ends: the client may be closed while nobody iterates.
            if call.add_callback(lookout.end):
                lookout.start()

    def __next__(self) -> Item:
        if self._closed.is_set():
            raise StopIteration
        try:
            item = self._receive()
        except LedgerError as error:
            if self._attempt is not None:
                self._attempt.failed(error)
            self.close()
            raise
        if item is None:
            self.close()
            raise StopIteration
        if self._lookout is not None:
            self._lookout.heard()
        if self._attempt is not None and not self._answered:
            self._answered = True
            self._attempt.answered()
        return item

    def _receive(self) -> Item | None:
        """Return the next item, None at the end.

        Raises:
            DeliverError: The stream broke, or what came is not what was asked for.
        """
        try:
            response = next(self._call, None)
            item = None if response is None else self._parse(response)
        except grpc.RpcError as error:
            if self._closed.is_set():
                return None
            if self._why is not None:
                raise self._why from error
            raise ledger_error(Phase.DELIVER, error) from error
        except NetworkError as error:
            raise _broken(f"the peer sent what is no block: {error}") from error
        if item is None and not self._closed.is_set():
            self._check_end()
        return item

    def close(self) -> None:
        """End the call; the iteration stops."""
        self._closed.set()
        self._call.cancel()

    def _quit(self, why: DeliverError) -> None:
        """End the call; the iteration raises `why`."""
        self._why = why
        self._call.cancel()


class Delivery:
    """What has to come over a Deliver stream: blocks `start` to `stop`, each of them, in order."""

    def __init__(self, start: int | None, stop: int) -> None:
        """``start`` None takes the number of the first block that comes."""
        self._next = start
        self._stop = stop

    def parse(self, response: Any) -> Block | None:
        """Return the block in a DeliverResponse (of protos or orderer), or None when the node says that was all.

        Raises:
            DeliverError: The peer ended the stream with an error, or sent another block than the next one.
            EnvelopeError: The block does not parse.
            BlockError: Its contents do not.
        """
        if response.WhichOneof("Type") == "block":
            block = parse_block(response.block.SerializeToString())
            if self._next not in (None, block.number):
                raise _broken(f"block {block.number} came where {self._next} was due")
            self._next = block.number + 1
            return block
        if response.status == common_pb2.SUCCESS:
            return None
        name = common_pb2.Status.Name(response.status)
        again = response.status in (common_pb2.SERVICE_UNAVAILABLE, common_pb2.INTERNAL_SERVER_ERROR)
        raise _broken(f"the peer ended it: {name}", retry=Retry.OTHER if again else Retry.NEVER, status=name)

    def check_end(self) -> None:
        """Check that nothing is missing.

        Raises:
            DeliverError: The last block has not come.
        """
        if self._next is None or self._next <= self._stop:
            raise _broken(f"it ended before block {self._next}")


def parse_events(response: Any) -> BlockEvents:
    """Return what is in a gateway.ChaincodeEventsResponse."""
    events = tuple(
        ChaincodeEvent(event.chaincode_id, event.tx_id, event.event_name, event.payload) for event in response.events
    )
    return BlockEvents(response.block_number, events)


def check_events_end() -> None:
    """Refuse the end of a stream of events: it has none.

    Raises:
        DeliverError: Always.
    """
    raise _broken("the peer ended it")


def _broken(detail: str, *, retry: Retry = Retry.OTHER, status: str = "") -> DeliverError:
    return DeliverError(ErrorCode.LEDGER_UNAVAILABLE, f"stream: {detail}", retry=retry, status=status)
