"""The gateway and the worker as processes, over real HTTPS: limits that hold for all clients together."""

import json
import socket
import ssl
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from countermark.cli.up.stack import THREADS
from countermark.client.errors import ClientError
from countermark.client.http import Http
from countermark.protocol.accounts import AccountKey
from tests.support.whole_platform import Platform, trader


def http(platform: Platform) -> Http:
    return Http(platform.url, ca_file=str(platform.ca_file), key=AccountKey.generate())


def open_streams(platform: Platform, stack: ExitStack, count: int) -> None:
    for _ in range(count):
        stack.enter_context(http(platform).events("/v1/events"))


@pytest.mark.slow
def test_event_streams_leave_threads_for_requests(platform: Platform) -> None:
    with ExitStack() as stack:
        # Of clients that have just gone away a stream or two may still be open: so not always as many fit.
        with pytest.raises(ClientError) as caught:
            open_streams(platform, stack, THREADS // 2 + 1)
        assert (caught.value.code, caught.value.status) == ("busy", 503)
        # While all those streams are open, and no longer than any request may take: with no thread left, none would
        # answer before a stream ends.
        one_more = Http(platform.url, ca_file=str(platform.ca_file), timeout_s=30)
        assert one_more.get("/v1/market")["market"]


@pytest.mark.slow
def test_places_of_clients_that_went_away_are_free_again(platform: Platform) -> None:
    """More clients one after the other than there is place for at once, none of which says goodbye to its stream."""
    host, _, port = platform.url.removeprefix("https://").rpartition(":")
    context = ssl.create_default_context(cafile=str(platform.ca_file))
    opened, give_up = 0, time.monotonic() + 120
    while opened < THREADS + 1:
        # A place is found again by the next comment that nobody takes; each question takes a round trip.
        assert time.monotonic() < give_up, opened
        request = http(platform)._request("GET", "/v1/events")
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        raw = socket.create_connection((host, int(port)), timeout=60)
        with raw, context.wrap_socket(raw, server_hostname=host) as connection:
            connection.sendall("\r\n".join(["GET /v1/events HTTP/1.1", *lines, "", ""]).encode())
            status = connection.recv(4096).split()[1]
        assert status in (b"200", b"503")
        opened += status == b"200"


@pytest.mark.slow
def test_stalled_requests_hold_no_thread_for_long(platform: Platform) -> None:
    """Silent connections, broken-off handshakes, headers and bodies, more of each than there are threads."""
    host, _, port = platform.url.removeprefix("https://").rpartition(":")
    context = ssl.create_default_context(cafile=str(platform.ca_file))
    head = f"POST /v1/accounts HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n".encode()
    with ExitStack() as stack:

        def connect(first: bytes, *, tls: bool = True) -> socket.socket:
            raw = stack.enter_context(socket.create_connection((host, int(port))))
            connection = stack.enter_context(context.wrap_socket(raw, server_hostname=host)) if tls else raw
            connection.sendall(first)
            return connection

        for _ in range(THREADS):
            connect(b"", tls=False)
        # Nobody who is silent from the start has a thread.
        assert http(platform).get("/v1/market")["market"]
        for _ in range(THREADS):
            connect(b"\x16\x03\x01", tls=False)
        for _ in range(THREADS // 2):
            connect(b"POST /v1/accounts HT")
            connect(head + b"Content-Length: 1000\r\n\r\n{")
            connect(head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{")
        assert httpx.get(f"{platform.url}/healthz", verify=context, timeout=90).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /canary-path HTTP/9.9\r\n\r\n", 400),
        (b"canary-method /canary-path\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nAuthori zation: canary-token\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nCookie: canary\x01token\r\n\r\n", 400),
        (b"GET /" + b"canary-path" * 1_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"canary-token" * 2_000 + b"\r\n\r\n", 431),
        (b"POST /v1/accounts HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: canary\r\n\r\n", 501),
    ],
    ids=["version", "request line", "header's name", "header's value", "long line", "long header", "coding"],
)
def test_of_what_is_no_request_nothing_is_logged_or_told(platform: Platform, request_: bytes, status: int) -> None:
    host, _, port = platform.url.removeprefix("https://").rpartition(":")
    context = ssl.create_default_context(cafile=str(platform.ca_file))
    with (
        socket.create_connection((host, int(port))) as raw,
        context.wrap_socket(raw, server_hostname=host) as connection,
    ):
        connection.sendall(request_)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"canary" not in answer
    # Answered after it was logged.
    assert "canary" not in (platform.data / "logs" / "gateway.log").read_text()


def test_readiness_description_and_figures_are_served(platform: Platform) -> None:
    context = ssl.create_default_context(cafile=str(platform.ca_file))
    with httpx.Client(base_url=platform.url, verify=context) as client:
        assert client.get("/readyz").json()["away"] == []
        assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
        assert "countermark_requests_total" in client.get("/metrics").text
        assert client.get("/docs", follow_redirects=True).status_code == 200


def test_request_signed_for_another_gateway_is_refused(platform: Platform) -> None:
    client = http(platform)
    request = client._request("GET", "/v1/trades", headers={"Host": "other.example"})
    context = ssl.create_default_context(cafile=str(platform.ca_file))
    with httpx.Client(verify=context) as connection:
        answer = connection.send(request)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


def test_logs_of_gateway_and_worker_are_json_lines(platform: Platform) -> None:
    for name, ready in (("gateway", f"gateway ready at {platform.url}"), ("worker", "worker ready")):
        lines = Path(platform.data / "logs" / f"{name}.log").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        assert {record["process"] for record in records} == {name}
        assert ready in [record["event"] for record in records]


def test_doctor_finds_a_running_platform_sound(platform: Platform, tmp_path: Path) -> None:
    found = trader(tmp_path, "operator", platform).run("doctor", "--data", str(platform.data))["findings"]
    assert {one["subject"] for one in found if one["verdict"] == "ok"} >= {
        *("data folder", "configuration", "database", "object store", "ledger"),
        *("gateway", "readiness", "clock", "market"),
    }
    assert not [one for one in found if one["verdict"] == "wrong"]
