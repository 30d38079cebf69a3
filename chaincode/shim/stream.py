"""The chaincode's end of one peer's stream (`protos.Chaincode/Connect`).

The peer dials; the chaincode sends REGISTER with its package id, the peer answers REGISTERED and READY and then
sends TRANSACTION messages, any number at a time. During an invocation the chaincode asks (GET_STATE and so on) and
the peer answers RESPONSE or ERROR, matched by channel and transaction id. Three rules keep the stream whole:

* gRPC allows one outstanding write per stream, so one task makes all writes, and what it has been given goes out
  whole, whatever becomes of the invocation that gave it;
* a peer drops a second request of a transaction whose first is still open, so each transaction asks in turn;
* every invocation is answered, since an open one holds the peer's ledger lock: where that is not possible any more,
  the stream ends, and with it the peer fails whatever runs on it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

import grpc
from fabric_protos.peer import chaincode_pb2, proposal_response_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim_pb2
from google.protobuf.message import DecodeError

from countermark.chaincode.logs import about
from countermark.chaincode.shim import proposal
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.invocation import answer, refusal
from countermark.chaincode.shim.peer_stub import Batches, PeerStub
from countermark.chaincode.shim.stub import ERROR_THRESHOLD, Event, Handler, Response, Stub
from countermark.faults import Point, reach

MAX_MESSAGE: Final = 100 * 1024 * 1024
"""Largest message in bytes that a peer sends or takes."""

_ENVELOPE: Final = 64 * 1024
"""Room in a message for what comes round its payload."""

_M = shim_pb2.ChaincodeMessage
_log = logging.getLogger(__name__)


class Transport(Protocol):
    """The part of a `grpc.aio` servicer context that a stream needs."""

    async def read(self) -> Any:
        """Return the next message, or `grpc.aio.EOF`."""

    async def write(self, message: Any) -> None:
        """Send a message."""


class PeerStream:
    """One peer's stream, from REGISTER until either side ends it.

    `time_limit_s` bounds an invocation; it should not be below the peer's `chaincode.executetimeout`.
    """

    def __init__(self, ccid: str, handler: Handler, transport: Transport, *, time_limit_s: float) -> None:
        self._ccid = ccid
        self._handler = handler
        self._transport = transport
        self._time_limit_s = time_limit_s
        self._outgoing: asyncio.Queue[Any] = asyncio.Queue()
        self._batches = Batches()
        self._ready = False
        self._draining = False
        self._exchanges: dict[tuple[str, str], _Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def serve(self) -> None:
        """Register with the peer and run its invocations until the stream ends, breaks or is drained."""
        reader, writer = asyncio.create_task(self._read()), asyncio.create_task(self._write())
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({reader, over}, return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                reader.result()
        finally:
            self._over.set()
            ending = {reader, writer, over, *self._tasks}
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def drain(self) -> None:
        """Refuse new invocations, wait for those that run, then end the stream."""
        self._draining = True
        _log.info("draining: %d invocations still run", len(self._tasks))
        while self._tasks:
            await asyncio.wait(self._tasks)
        # What they have answered is still to be written, unless the stream ends before that.
        sent, over = asyncio.create_task(self._outgoing.join()), asyncio.create_task(self._over.wait())
        await asyncio.wait({sent, over}, return_when=asyncio.FIRST_COMPLETED)
        sent.cancel()
        self._over.set()

    async def _read(self) -> None:
        package = chaincode_pb2.ChaincodeID(name=self._ccid)
        self._send(_M(type=_M.REGISTER, payload=package.SerializeToString()))
        while True:
            try:
                message = await self._transport.read()
            except grpc.aio.BaseError as error:
                _log.warning("the stream to the peer broke: %s", error)
                return
            if message is grpc.aio.EOF:
                _log.info("the peer closed its stream")
                return
            if not self._take(message):
                return

    def _take(self, message: Any) -> bool:
        """Handle one message; returns whether the stream goes on."""
        match message.type:
            case _M.RESPONSE | _M.ERROR if message.txid:
                self._settle(message)
            case _M.TRANSACTION | _M.INIT:
                self._start(message)
            case _M.KEEPALIVE:
                self._send(message)
            case _M.REGISTERED:
                _log.info("registered as %s", self._ccid)
            case _M.READY:
                self._ready = True
                self._batches = _batches(message.payload)
            case _:  # ERROR without a transaction among them: the peer refuses the registration
                _log.error("the peer sent message type %d: %r", message.type, message.payload[:200])
                return False
        return True

    def _settle(self, message: Any) -> None:
        exchange = self._exchanges.get((message.channel_id, message.txid))
        if exchange is None or not exchange.settle(message):
            # Its invocation ended without waiting for it, for example at its time limit.
            with about(message.channel_id, message.txid):
                _log.warning("the peer answered %s, which waits for nothing", message.txid)

    def _start(self, message: Any) -> None:
        key = (message.channel_id, message.txid)
        if self._draining:
            self._send(_failure(key, "the chaincode is shutting down"))
        elif not self._ready:
            self._send(_failure(key, "the chaincode is not ready"))
        elif key in self._exchanges:
            # The peer has given up the first run. Answers to it may still come: they must not reach a second.
            self._send(_failure(key, "an invocation of this transaction is still running"))
        else:
            exchange = self._exchanges[key] = _Exchange(self._send, key)
            with about(*key):  # the task takes it along
                task = asyncio.create_task(self._run(message, exchange, key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, message: Any, exchange: "_Exchange", key: tuple[str, str]) -> None:
        try:
            reach(Point.TRANSACTION_TAKEN)
            outcome = await self._outcome(message, exchange, key)
            reach(Point.TRANSACTION_DONE)
        except ShimError as error:
            _log.warning("invocation %s fails: %s", key[1], error)
            outcome = _failure(key, str(error))
        except Exception:  # the outermost loop of an invocation: it must be answered
            _log.exception("invocation %s fails", key[1])
            outcome = _failure(key, "the chaincode failed; its log says why")
        finally:
            del self._exchanges[key]  # before the answer, after which the peer may send the same again
        self._send(outcome)

    async def _outcome(self, message: Any, exchange: "_Exchange", key: tuple[str, str]) -> Any:
        """Run the contract; returns the COMPLETED message."""
        stub = PeerStub(proposal.parse(message), exchange.ask, self._batches)

        async def run(given: Stub) -> Response:
            response = await self._handler(given)
            if response.status < ERROR_THRESHOLD:  # the writes of a refusal never count
                await stub.flush()
            return response

        try:
            async with asyncio.timeout(self._time_limit_s):
                response = await answer(run, stub)
        except TimeoutError:
            _log.error("%.80r hangs in %s", stub.function, stub.tx_id)
            response = refusal(ShimError(f"the invocation did not end within {self._time_limit_s:g} s"))
        return _completion(key, response, stub.event)

    def _send(self, message: Any) -> None:
        """Hand a message to the task that writes; to wait for a turn at writing took longer than writing."""
        self._outgoing.put_nowait(message)

    async def _write(self) -> None:
        """Write what there is to send, one message after the other; when that ends, so does the stream."""
        try:
            while True:
                await self._transport.write(await self._outgoing.get())
                self._outgoing.task_done()
        except Exception as error:
            _log.warning("the stream to the peer broke: %s", type(error).__name__)
        finally:
            # Whom an unwritten message was to answer waits for ever. The peer is told by the end of the stream.
            self._over.set()


class _Exchange:
    """The requests of one invocation, one at a time, and the peer's answer to the open one."""

    def __init__(self, send: Callable[[Any], None], key: tuple[str, str]) -> None:
        self._send = send
        self._channel_id, self._tx_id = key
        self._turn = asyncio.Lock()
        self._reply: asyncio.Future[Any] | None = None

    async def ask(self, kind: int, payload: bytes) -> bytes:
        """Return the payload of the peer's RESPONSE to a request.

        Raises:
            ShimError: the peer answered ERROR, the request is too large, or the stream broke.
        """
        _check_size(len(payload))
        async with self._turn:
            self._reply = asyncio.get_running_loop().create_future()
            try:
                self._send(_M(type=kind, channel_id=self._channel_id, txid=self._tx_id, payload=payload))
                reply = await self._reply
            finally:
                self._reply = None
        if reply.type == _M.ERROR:
            raise ShimError(f"the peer refused {_M.Type.Name(kind)}: {reply.payload.decode(errors='replace')}")
        result: bytes = reply.payload
        return result

    def settle(self, message: Any) -> bool:
        """Hand the peer's answer to the open request; returns whether there is one."""
        if self._reply is None or self._reply.done():
            return False
        self._reply.set_result(message)
        return True


def _completion(key: tuple[str, str], response: Response, event: Event | None) -> Any:
    body = proposal_response_pb2.Response(status=response.status, message=response.message, payload=response.payload)
    message = _M(type=_M.COMPLETED, channel_id=key[0], txid=key[1], payload=body.SerializeToString())
    if event is not None and response.status < ERROR_THRESHOLD:
        message.chaincode_event.event_name = event.name
        message.chaincode_event.payload = event.payload
    _check_size(message.ByteSize())
    return message


def _failure(key: tuple[str, str], reason: str) -> Any:
    return _M(type=_M.ERROR, channel_id=key[0], txid=key[1], payload=reason.encode(errors="replace"))


def _batches(payload: bytes) -> Batches:
    """Return what the peer offers in the payload of its READY."""
    try:
        offer = chaincode_pb2.ChaincodeAdditionalParams.FromString(payload)
    except DecodeError:
        return Batches()
    return Batches(
        writes=offer.max_size_write_batch if offer.use_write_batch else 0,
        reads=offer.max_size_get_multiple_keys if offer.use_get_multiple_keys else 0,
    )


def _check_size(size: int) -> None:
    if size > MAX_MESSAGE - _ENVELOPE:
        raise ShimError(f"a message of {size} bytes is larger than peers take")
