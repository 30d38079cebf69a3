"""A way to a server on loopback that can stall, be cut, or have nobody at its end."""

import socket
import struct
import threading
from contextlib import suppress
from enum import Enum
from typing import Literal

from tests.support import sizes

WAIT_S = sizes.size(60, 3600)

Direction = Literal["up", "down"]
"""To the server, or from it."""


class Way(Enum):
    """What becomes of connections."""

    OPEN = "open"
    STALLED = "stalled"
    """They are taken, and neither a byte passes nor their end."""
    RESET = "reset"
    """They are taken, and cut at once without the end that TCP has."""
    CLOSED = "closed"
    """They are cut, and nobody listens."""


class _Link:
    """A client's connection, and the one to the server that goes with it."""

    def __init__(self, client: socket.socket, server: tuple[str, int]) -> None:
        self.client = client
        self.server = socket.create_connection(server)
        self.cut = False
        self.open_ends = 2

    def reset(self) -> None:
        self.cut = True
        for end in (self.client, self.server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with suppress(OSError):  # it has ended already
                end.shutdown(socket.SHUT_RDWR)  # wakes whoever reads
            end.close()


class TcpProxy:
    """Passes bytes between its clients and `server`; may be turned from any thread at any time."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._changed = threading.Condition()  # over a lock that its holder may take again
        self._way = Way.OPEN
        self._turns: dict[Direction, tuple[int, Way | None]] = {}
        self._links: set[_Link] = set()
        self._listener = self._listen(0)
        self.passed: dict[Direction, int] = {"up": 0, "down": 0}
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def https_url(self) -> str:
        """The same for a server that speaks TLS: its certificate is for the host, whatever the port."""
        return f"https://127.0.0.1:{self.port}"

    def turn(self, way: Way) -> None:
        """Let connections, those that are open too, go that `way` from now on."""
        with self._changed:
            if way in (Way.RESET, Way.CLOSED):
                self._cut()
            if way is Way.CLOSED and self._way is not Way.CLOSED:
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
                self._listener.close()
            if way is not Way.CLOSED and self._way is Way.CLOSED:
                self._listener = self._listen(self.port)
            self._way = way
            self._changed.notify_all()

    def turn_after(self, direction: Direction, size: int, way: Way) -> None:
        """Turn that `way` when `size` more bytes have passed in `direction`."""
        with self._changed:
            self._turns[direction] = (self.passed[direction] + size, way)

    def cut_after(self, direction: Direction, size: int) -> None:
        """Cut what is open, and nothing else, when `size` more bytes have passed in `direction`."""
        with self._changed:
            self._turns[direction] = (self.passed[direction] + size, None)

    def wait_for(self, way: Way) -> None:
        """Wait until it has come to that."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._way is way, WAIT_S), f"never {way.value}"

    def close(self) -> None:
        self.turn(Way.CLOSED)

    def _cut(self) -> None:
        for link in self._links:
            link.reset()
        self._links.clear()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return  # closed
            link = _Link(client, self._server)
            with self._changed:
                if self._way in (Way.RESET, Way.CLOSED):
                    link.reset()
                    continue
                self._links.add(link)
            for direction in ("up", "down"):
                threading.Thread(target=self._pump, args=(link, direction), daemon=True).start()

    def _pump(self, link: _Link, direction: Direction) -> None:
        source, sink = (link.client, link.server) if direction == "up" else (link.server, link.client)
        with suppress(OSError):  # one of the two was cut, by us or by its own end
            while data := source.recv(64 << 10):
                while data and (allowed := self._allow(link, direction, len(data))):
                    sink.sendall(data[:allowed])
                    data = data[allowed:]
            self._wait_while_stalled(link)
            sink.shutdown(socket.SHUT_WR)
        with self._changed:
            link.open_ends -= 1
            if link.open_ends == 0 and link in self._links:
                self._links.discard(link)
                source.close()
                sink.close()

    def _allow(self, link: _Link, direction: Direction, size: int) -> int:
        """Wait until bytes may pass, and return how many of `size`; 0 when the link was cut."""
        with self._changed:
            self._wait_while_stalled(link)
            if link.cut:
                return 0
            if direction in self._turns:
                limit, way = self._turns[direction]
                size = min(size, limit - self.passed[direction])
                if self.passed[direction] + size == limit:
                    del self._turns[direction]
                    if way is None:
                        self._cut()
                    else:
                        self.turn(way)
            self.passed[direction] += size
            return size

    def _wait_while_stalled(self, link: _Link) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._way is not Way.STALLED or link.cut)
