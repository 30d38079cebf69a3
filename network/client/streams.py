"""Streams of blocks and of chaincode events, as iterators that another thread may close."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
from fabric_protos.common import common_pb2

from countermark.network.blocks import Block, parse_block
from countermark.network.client.errors import DeliverError
from countermark.network.client.retries import Phase, Retry
from countermark.network.client.statuses import ledger_error
from countermark.network.envelopes import ChaincodeEvent
from countermark.network.errors import NetworkError
from countermark.protocol.errors import ErrorCode

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class BlockEvents:
    """The events of our chaincode in one block, of valid transactions only."""

    block_number: int
    events: tuple[ChaincodeEvent, ...]


class Stream(Iterator[Item], Generic[Item]):
    """Items of one streaming call; ends when the server says so or `close` was called.

    Iterating blocks until there is an item. `close` may be called from any thread and ends a blocked iteration.
    """

    def __init__(self, call: Any, parse: Callable[[Any], Item | None]) -> None:
        self._call = call
        self._parse = parse
        self._closed = threading.Event()

    def __next__(self) -> Item:
        if self._closed.is_set():
            raise StopIteration
        try:
            item = self._parse(next(self._call))
        except grpc.RpcError as error:
            if self._closed.is_set():
                raise StopIteration from error
            raise ledger_error(Phase.DELIVER, error) from error
        except NetworkError as error:
            self.close()
            raise DeliverError(ErrorCode.LEDGER_UNAVAILABLE, f"the peer sent what is no block: {error}") from error
        except DeliverError:
            self.close()
            raise
        if item is None:
            self.close()
            raise StopIteration
        return item

    def close(self) -> None:
        """End the call; the iteration stops."""
        self._closed.set()
        self._call.cancel()


def parse_delivery(response: Any) -> Block | None:
    """Return the block in a protos.DeliverResponse, or None when the stream has ended well.

    Raises:
        DeliverError: The peer ended the stream with an error.
        EnvelopeError: The block does not parse.
        BlockError: Its contents do not.
    """
    if response.WhichOneof("Type") == "block":
        return parse_block(response.block.SerializeToString())
    if response.status == common_pb2.SUCCESS:
        return None
    name = common_pb2.Status.Name(response.status)
    again = response.status in (common_pb2.SERVICE_UNAVAILABLE, common_pb2.INTERNAL_SERVER_ERROR)
    raise DeliverError(
        ErrorCode.LEDGER_UNAVAILABLE,
        f"the peer ended the stream of blocks: {name}",
        retry=Retry.SAME if again else Retry.NEVER,
        status=name,
    )


def parse_events(response: Any) -> BlockEvents:
    """Return what is in a gateway.ChaincodeEventsResponse."""
    events = tuple(
        ChaincodeEvent(event.chaincode_id, event.tx_id, event.event_name, event.payload) for event in response.events
    )
    return BlockEvents(response.block_number, events)
