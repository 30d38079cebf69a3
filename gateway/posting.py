"""One HTTPS request to an address that is given, within a bounded time, of whose answer only the status is read.

Nothing here resolves a name, follows a redirect or knows of a proxy. The certificate must hold for the host's name.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from countermark.platform.ports import DeliveryError
from countermark.platform.webhooks.targets import Target

DEADLINE_S = 10.0
"""How long a request may take, from the first packet to the last line of the answer's header."""

CONNECT_S = 3.0
"""How long one address may take to answer at all."""


def post(
    target: Target, addresses: Sequence[str], body: bytes, headers: Mapping[str, str], *, context: ssl.SSLContext
) -> int:
    """Post ``body`` to ``target`` at the first of its ``addresses`` that answers, and return the answer's status.

    Raises:
        DeliveryError: nobody answered, not in time, or not as HTTPS wants it.
    """
    deadline = _Deadline(DEADLINE_S)
    with (
        _told_apart(deadline),
        _dial(addresses, target.port, deadline) as raw,
        # The handshake comes later, when the deadline watches over it.
        context.wrap_socket(raw, server_hostname=target.host, do_handshake_on_connect=False) as channel,
        deadline.over(channel),
    ):
        channel.do_handshake()
        return _exchange(channel, target, body, headers)


def _dial(addresses: Sequence[str], port: int, deadline: "_Deadline") -> socket.socket:
    *first, last = addresses
    for address in first:
        try:
            return socket.create_connection((address, port), timeout=min(CONNECT_S, deadline.left()))
        except OSError:
            continue  # the next one may answer
    return socket.create_connection((last, port), timeout=min(CONNECT_S, deadline.left()))


def _exchange(channel: ssl.SSLSocket, target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.auto_open = False  # on this channel or on none
    connection.sock = channel
    own = {"Host": target.authority, "Connection": "close", "User-Agent": "countermark"}
    connection.request("POST", target.path, body, {**own, **headers})
    # Its body is left where it is: the connection ends here.
    return connection.getresponse().status


class _Deadline:
    """The end of a request: a timeout for each step bounds no receiver that sends a byte now and then."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self._ends

    def left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    @contextmanager
    def over(self, channel: ssl.SSLSocket) -> Iterator[None]:
        """Cut ``channel`` off when the time is up, whatever happens on it."""
        channel.settimeout(self.left())
        # The socket itself, below TLS, whose state belongs to the thread that reads it.
        timer = threading.Timer(self.left(), _cut, (channel,))
        timer.daemon = True
        timer.start()
        try:
            yield
            # Headers that were cut off look like headers that end.
            self.left()
        finally:
            timer.cancel()


def _cut(channel: ssl.SSLSocket) -> None:
    try:
        socket.socket.shutdown(channel, socket.SHUT_RDWR)
    except OSError:
        return  # it has just been closed


@contextmanager
def _told_apart(deadline: _Deadline) -> Iterator[None]:
    """Turn what may go wrong into the one error, whose reason says how far the request came."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryError(_reason(error, passed=deadline.passed)) from error


def _reason(error: Exception, *, passed: bool) -> str:
    if passed or isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
        return "answer"
    return "connection"
