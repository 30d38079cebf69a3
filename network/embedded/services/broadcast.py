"""orderer.AtomicBroadcast: takes signed transactions, and delivers blocks as an orderer does."""

from collections.abc import AsyncIterator
from typing import Any, Final

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc

from countermark.network.embedded.endorsement import clock_ms
from countermark.network.embedded.errors import ProposalError
from countermark.network.embedded.ordering import Orderer
from countermark.network.embedded.services.deliver import BlockStreams, Delivered
from countermark.network.envelopes.wire import encode
from countermark.network.errors import NetworkError

_STATUSES: Final[dict[str, int]] = {
    "busy": common_pb2.SERVICE_UNAVAILABLE,
    "no_such_channel": common_pb2.NOT_FOUND,
    "not_authorised": common_pb2.FORBIDDEN,
    "too_large": common_pb2.BAD_REQUEST,
}
"""What Fabric's orderers answer to an envelope that they refuse, by our code; BAD_REQUEST to all others."""


def refusal_status(error: NetworkError) -> int:
    """Return the common.Status with which an orderer refuses an envelope because of `error`."""
    code = error.code if isinstance(error, ProposalError) else ""
    return _STATUSES.get(code, int(common_pb2.BAD_REQUEST))


class BroadcastService(ab_pb2_grpc.AtomicBroadcastServicer):  # type: ignore[misc] # generated without types
    """The ordering service for clients that speak to it themselves."""

    def __init__(self, orderer: Orderer, streams: BlockStreams) -> None:
        self._orderer = orderer
        self._streams = streams

    async def Broadcast(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802 - Fabric's name
        """Yield for each envelope whether it was taken; the first that was not ends the stream."""
        async for request in requests:
            try:
                self._orderer.submit(encode(request), now_ms=clock_ms())
            except NetworkError as error:
                yield ab_pb2.BroadcastResponse(status=refusal_status(error), info=str(error))
                return
            yield ab_pb2.BroadcastResponse(status=common_pb2.SUCCESS)

    async def Deliver(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802 - Fabric's name
        """Yield whole blocks, then the status, for each request of the stream."""
        async for item in self._streams.serve(requests):
            if isinstance(item, Delivered):
                yield ab_pb2.DeliverResponse(block=common_pb2.Block.FromString(item.block))
            else:
                yield ab_pb2.DeliverResponse(status=item)
