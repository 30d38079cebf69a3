"""A TCP relay in front of an endpoint: counts who comes, and can cut all of them off."""

import socket
import threading
from contextlib import suppress


class TcpRelay:
    """Passes connections on `address` (host:port) to `target` until `cut`; what passes is TLS, and stays so."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.received = 0
        """Bytes that came from clients."""
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def cut(self) -> None:
        """End all connections and take no more."""
        with self._lock:
            sockets, self._open = [self._listener, *self._open], []
        for one in sockets:
            with suppress(OSError):  # nobody is connected any more
                one.shutdown(socket.SHUT_RDWR)  # wakes whoever waits in it, which closing alone does not
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # cut
            self.connections += 1
            server = socket.create_connection(self._target)
            with self._lock:
                self._open += [client, server]
            for source, sink, counted in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, sink, counted), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):  # cut, or one side has gone
            while data := source.recv(65_536):
                if counted:
                    with self._lock:
                        self.received += len(data)
                sink.sendall(data)
        for one in (source, sink):
            one.close()
