"""Deliveries over real HTTPS on loopback: where they go, what they carry, and receivers on a bad day."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from countermark.gateway import posting
from countermark.gateway.courier import HttpsCourier
from countermark.platform.ports import DeliveryError
from countermark.platform.webhooks.addresses import AddressPolicy
from tests.support.https_server import HttpsServer
from tests.support.market import PLATFORM, actor
from tests.support.receiver import LOOPBACK, HookServer

Act = Callable[[socket.socket, threading.Event], None]

KEY = actor("platform", PLATFORM).key


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HookServer]:
    server = HookServer(tmp_path / "receiver", path="/told?by=us")
    yield server
    server.stop()


def fails(reason: str) -> Any:
    return pytest.raises(DeliveryError, match=f"^{reason}$")


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def test_delivery_is_a_signed_post_for_this_url_alone(server: HookServer) -> None:
    server.courier.deliver(server.url, b'{"a":1}')
    (arrived,) = server.inbox.arrived
    assert (arrived.method, arrived.target, arrived.body) == ("POST", "/told?by=us", b'{"a":1}')
    assert arrived.headers["CONTENT-TYPE"] == "application/json"
    assert arrived.headers["HOST"] == server.url.split("/")[2]
    assert KEY.address in arrived.headers["SIGNATURE-INPUT"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_without_an_exception_nothing_is_delivered_to_this_machine(server: HookServer, host: str) -> None:
    courier = HttpsCourier(KEY, AddressPolicy(), context=server.context)
    for port in (443, 8443, port_of(server.url)):
        with fails("address"):
            courier.deliver(f"https://{host}:{port}/", b"{}")
    assert server.inbox.arrived == []


def test_name_with_one_address_within_has_none(server: HookServer) -> None:
    courier = HttpsCourier(KEY, LOOPBACK, context=server.context, resolver=lambda *_: ["127.0.0.1", "10.0.0.1"])
    with fails("address"):
        courier.deliver(server.url.replace("127.0.0.1", "localhost"), b"{}")
    assert server.inbox.arrived == []


def test_name_that_changes_its_address_after_the_check_is_not_followed(
    server: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name resolves to what is permitted when it is judged, and to something within ever after."""
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    def resolve_again(host: str, *_: object, **__: object) -> Any:
        assert host == "127.0.0.1", f"{host} was resolved a second time"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port_of(server.url)))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_again)
    courier = HttpsCourier(KEY, LOOPBACK, context=server.context, resolver=rebinding)
    courier.deliver(server.url.replace("127.0.0.1", "localhost"), b"{}")
    assert (len(server.inbox.arrived), asked) == (1, ["localhost"])
    with fails("address"):
        courier.deliver(server.url.replace("127.0.0.1", "localhost"), b"{}")


def test_address_that_does_not_answer_is_not_the_last(server: HookServer) -> None:
    # Nobody listens on this port at the first one.
    courier = HttpsCourier(KEY, LOOPBACK, context=server.context, resolver=lambda *_: ["127.0.0.2", "127.0.0.1"])
    courier.deliver(server.url.replace("127.0.0.1", "localhost"), b"{}")
    assert len(server.inbox.arrived) == 1


def test_redirect_is_not_followed(server: HookServer, tmp_path: Path) -> None:
    elsewhere = HookServer(tmp_path / "elsewhere")
    server.inbox.headers["Location"] = elsewhere.url
    server.inbox.statuses = [301, 302, 303, 307, 308]
    for status in list(server.inbox.statuses):
        with fails(f"status_{status}"):
            server.courier.deliver(server.url, b"{}")
    assert elsewhere.inbox.arrived == []
    elsewhere.stop()


@pytest.mark.parametrize("status", [100, 199, 300, 400, 404, 429, 500, 503])
def test_only_a_status_of_success_counts(server: HookServer, status: int) -> None:
    server.inbox.statuses = [status, 200]
    if status == 100:  # an interim answer: the one that counts follows, or nothing does
        with pytest.raises(DeliveryError):
            server.courier.deliver(server.url, b"{}")
        return
    with pytest.raises(DeliveryError) as caught:
        server.courier.deliver(server.url, b"{}")
    assert (caught.value.reason, caught.value.gone) == (f"status_{status}", False)


def test_receiver_that_is_gone_says_so(server: HookServer) -> None:
    server.inbox.statuses = [410]
    with pytest.raises(DeliveryError) as caught:
        server.courier.deliver(server.url, b"{}")
    assert (caught.value.reason, caught.value.gone) == ("status_410", True)


def test_certificate_of_nobody_known_is_refused(server: HookServer) -> None:
    with fails("certificate"):
        HttpsCourier(KEY, LOOPBACK).deliver(server.url, b"{}")
    assert server.inbox.arrived == []


def test_certificate_for_another_name_is_refused(server: HookServer) -> None:
    courier = HttpsCourier(KEY, LOOPBACK, context=server.context, resolver=lambda *_: ["127.0.0.1"])
    with fails("certificate"):
        courier.deliver(f"https://bank.example:{port_of(server.url)}/", b"{}")
    assert server.inbox.arrived == []


def test_proxy_of_the_environment_is_not_used(server: HookServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.courier.deliver(server.url, b"{}")
    assert len(server.inbox.arrived) == 1


def test_name_that_nobody_knows() -> None:
    with fails("name"):
        HttpsCourier(KEY, AddressPolicy()).deliver("https://nowhere.invalid/", b"{}")


def test_port_on_which_nobody_listens() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with fails("connection"):
            HttpsCourier(KEY, LOOPBACK).deliver(f"https://127.0.0.1:{reserved.getsockname()[1]}/", b"{}")


class Bad:
    """A server that does to each connection what `act` says; TLS first, unless told otherwise."""

    def __init__(self, folder: Path, act: Act, *, tls: bool = True) -> None:
        # Only for its certificate.
        good = HttpsServer(lambda *_: [], folder)
        good.stop()
        self.client = ssl.create_default_context(cafile=str(good.ca_file))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "gateway.pem")
        self._act, self._tls = act, tls
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with contextlib.suppress(OSError), connection:
            if not self._tls:
                self._act(connection, self._ended)
                return
            with self._context.wrap_socket(connection, server_side=True) as channel:
                channel.recv(65536)
                self._act(channel, self._ended)


def close(_connection: socket.socket, _ended: threading.Event) -> None:
    """Say nothing and go."""


def be_silent(_connection: socket.socket, ended: threading.Event) -> None:
    ended.wait()


def send_garbage(connection: socket.socket, ended: threading.Event) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    ended.wait()


def send_endless_status(connection: socket.socket, ended: threading.Event) -> None:
    while not ended.is_set():
        connection.sendall(b"a" * 4096)


def send_endless_headers(connection: socket.socket, ended: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not ended.is_set():
        connection.sendall(b"X-More: more\r\n")


def trickle(connection: socket.socket, ended: threading.Event) -> None:
    """A byte now and then keeps every timeout of a single step from running out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not ended.wait(0.05):
        connection.sendall(b"a")


def keep_waiting(connection: socket.socket, ended: threading.Event) -> None:
    """Interim answers without end, each of which is complete."""
    while not ended.wait(0.05):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


BAD_DAYS: dict[str, tuple[Act, bool, str]] = {
    "closes without an answer": (close, True, "connection"),
    "speaks another protocol": (send_garbage, True, "answer"),
    "never ends its first line": (send_endless_status, True, "answer"),
    "never ends its headers": (send_endless_headers, True, "answer"),
    "is silent after the request": (be_silent, True, "timeout"),
    "is silent before TLS": (be_silent, False, "timeout"),
    "trickles": (trickle, True, "timeout"),
    "keeps one waiting politely": (keep_waiting, True, "timeout"),
    "knows no TLS": (send_garbage, False, "tls"),
    "closes before TLS": (close, False, "connection"),
}


@pytest.mark.parametrize(("act", "tls", "reason"), BAD_DAYS.values(), ids=BAD_DAYS)
def test_receiver_on_a_bad_day_costs_a_bounded_time(
    act: Act,
    tls: bool,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posting, "DEADLINE_S", 1.0 if reason == "timeout" else 20.0)
    bad = Bad(tmp_path, act, tls=tls)
    # Without a bound this test would not end.
    with fails(f"{reason}|tls|connection" if act is close else reason):
        HttpsCourier(KEY, LOOPBACK, context=bad.client).deliver(bad.url, b"{}")
    bad.stop()


def test_body_of_an_answer_is_not_read(tmp_path: Path) -> None:
    def send_without_end(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not ended.is_set():
            connection.sendall(b"5\r\naaaaa\r\n")

    server = Bad(tmp_path, send_without_end)
    HttpsCourier(KEY, LOOPBACK, context=server.client).deliver(server.url, b"{}")
    server.stop()
