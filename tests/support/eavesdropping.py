"""Somebody on a wire: he passes connections on, and records every byte."""

import socket
import threading


class Eavesdropper:
    """Passes connections on to `target` (host:port), and keeps what goes through, by connection and direction."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.heard: list[bytearray] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        record = bytearray()
        with self._lock:
            self.heard.append(record)
        try:
            while data := source.recv(1 << 16):
                record += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()

    def close(self) -> None:
        self._server.close()


RECORDS = {20, 21, 22, 23}
"""Content types of TLS records: change of cipher, alert, handshake, application data (RFC 8446, section 5.1)."""


def check_is_tls(stream: bytes) -> int:
    """Check that `stream` is TLS records of version 1.2 or later and nothing else; return the sealed bytes."""
    sealed = position = 0
    while position + 5 <= len(stream):
        kind, version = stream[position], stream[position + 1 : position + 3]
        assert kind in RECORDS, "this is no TLS"
        # The first flight may carry the number of 1.0, for middleboxes (RFC 8446, section 5.1).
        assert version == b"\x03\x03" or (position == 0 and version == b"\x03\x01")
        length = int.from_bytes(stream[position + 3 : position + 5], "big")
        sealed += length if kind == 23 else 0
        position += 5 + length
    return sealed
