"""The server's threads and the connections that hold them: who keeps a thread waiting loses his connection.

gunicorn gives a connection a thread until its request has been read and answered, however slowly its bytes come, so
as many silent clients as there are threads would stop the gateway for everybody else.
"""

import logging
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import TConn, ThreadWorker

_log = logging.getLogger(__name__)

FIRST_S = 10.0
"""How long TLS handshake and headers may take together; a body may take this long and its size at `SLOWEST`."""

SLOWEST = 16 << 10
"""Bytes in a second with which a body must come on the average."""

UNREAD_MS = 60_000
"""How long an answer may lie without its reader taking a byte of it."""


_ANSWERS: dict[type[BaseException], tuple[int, str]] = {
    errors.InvalidResponseHeader: (500, "Internal Server Error"),
    errors.InvalidResponseHeaderName: (500, "Internal Server Error"),
    errors.LimitRequestLine: (414, "URI Too Long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    errors.ExpectationFailed: (417, "Expectation Failed"),
    errors.UnsupportedTransferCoding: (501, "Not Implemented"),
    errors.ParseException: (400, "Bad Request"),
    ssl.SSLError: (400, "Bad Request"),
}
"""What is answered to a request that cannot be read, the first that fits."""


@dataclass(frozen=True)
class _Reading:
    """What a thread waits for: bytes of a request, all of them by ``deadline`` (monotonic clock)."""

    deadline: float
    body: Any = None

    def overdue(self, now: float) -> bool:
        """Return whether bytes are still missing after the deadline."""
        return now > self.deadline and (self.body is None or _missing(self.body) != 0)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """Serves requests by threads, and tells event streams to end before it waits for requests under way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._readings: dict[TConn, _Reading] = {}

    def handle_exit(self, sig: int, frame: object) -> None:
        """End the streams, then begin to stop (SIGTERM)."""
        self.app.end_streams()
        super().handle_exit(sig, frame)

    def enqueue_req(self, conn: TConn) -> None:
        """Give ``conn`` a thread once it has sent its first byte."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: TConn) -> Any:
        """Read one request of ``conn`` and answer it."""
        self._readings[conn] = _Reading(time.monotonic() + FIRST_S)
        try:
            return super().handle(conn)
        finally:
            del self._readings[conn]

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer ``req``, whose headers have been read."""
        allowed_s = FIRST_S + (_missing(req.body) or 0) / SLOWEST
        self._readings[conn] = _Reading(time.monotonic() + allowed_s, req.body)
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what is no request; neither log nor answer repeats anything of it, nor tells who sent it."""
        status, reason = next(
            (answer for kind, answer in _ANSWERS.items() if isinstance(exc, kind)), (500, "Internal Server Error")
        )
        _log.log(logging.ERROR if status == 500 else logging.INFO, "answered %s to a %s", status, type(exc).__name__)
        with suppress(OSError):  # whoever sent it has gone
            util.write_error(client, status, reason, "")

    def murder_pending(self) -> None:
        """Close what is overdue; called about once a second."""
        super().murder_pending()
        now = time.monotonic()
        for conn, reading in list(self._readings.items()):
            if reading.overdue(now):
                # The socket itself, below TLS, whose state belongs to the thread; that one finds the stream ended.
                with suppress(OSError):  # it has just been closed
                    socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)


def _missing(body: Any) -> int | None:
    """Return how many bytes of a request's body have not been read, None while a chunked one has not ended."""
    reader = body.reader
    if hasattr(reader, "length"):
        return int(reader.length)
    return None if reader.parser else 0
