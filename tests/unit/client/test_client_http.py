"""The client's requests over real TLS: signed, repeated only when that is safe, every failure one error."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from countermark.client.errors import ClientError
from countermark.client.http import TRIES, Http
from countermark.protocol.accounts import AccountKey
from tests.support.https_server import DROP, Answer, problem
from tests.unit.client.conftest import Serve, connect

OK = Answer(body={"fine": True})
BUSY = problem(503, "busy", retryable=True)


def test_every_kind_of_request_is_signed_by_the_account(serve: Serve, key: AccountKey) -> None:
    script, server = serve(OK)
    http = connect(server, key)
    http.get("/v1/trades", {"open": "true"})
    http.post("/v1/trades", {"intent": "x"}, wait_s=7)
    http.put_range("/v1/trades/t/package", b"bytes", start=3, total=8)
    http.head("/v1/trades/t/package")
    with http.download("/v1/trades/t/package") as pieces:
        assert b"".join(pieces) == json.dumps({"fine": True}).encode()
    with http.events("/v1/events", last_id="41") as lines:
        assert list(lines)
    # The script's server has verified each signature, and that it covers the body.
    assert [(one.method, one.signer) for one in script.requests] == [
        (method, key.address) for method in ("GET", "POST", "PUT", "HEAD", "GET", "GET")
    ]
    assert len({one.nonce for one in script.requests}) == 6
    get, post, put, _, _, events = script.requests
    assert get.query == "open=true"
    assert post.headers["Prefer"] == "wait=7"
    assert put.headers["Content-Range"] == "bytes 3-7/8"
    assert (events.headers["Accept"], events.headers["Last-Event-Id"]) == ("text/event-stream", "41")


def test_whoever_has_no_account_signs_nothing(serve: Serve) -> None:
    script, server = serve(OK)
    assert connect(server).get("/v1/market") == {"fine": True}
    assert script.requests[0].signer == ""


@pytest.mark.parametrize("failure", [BUSY, Answer(502), problem(429, "rate_limited"), DROP], ids=str)
def test_a_request_is_repeated_with_the_same_body_and_a_new_signature(
    serve: Serve, key: AccountKey, failure: Answer
) -> None:
    script, server = serve(failure, failure, OK)
    assert connect(server, key).post("/v1/trades", {"intent": "the same"}) == {"fine": True}
    assert [one.json for one in script.requests] == [{"intent": "the same"}] * 3
    assert len({one.nonce for one in script.requests}) == 3


def test_it_is_repeated_a_few_times_only(serve: Serve) -> None:
    script, server = serve(BUSY)
    with pytest.raises(ClientError) as caught:
        connect(server).get("/v1/market")
    assert (caught.value.code, caught.value.status, caught.value.retryable) == ("busy", 503, True)
    assert len(script.requests) == TRIES


def test_a_refusal_is_not_repeated_and_tells_all_that_the_problem_document_says(serve: Serve) -> None:
    answer = problem(409, "wrong_state", txid="t1", trade_state="SENT", allowed=["trade.ack"])
    script, server = serve(answer)
    with pytest.raises(ClientError) as caught:
        connect(server).post("/v1/trades/t/charge", {"intent": "x"})
    error = caught.value
    assert (error.code, error.detail, error.txid, error.status) == ("wrong_state", "why", "t1", 409)
    assert error.extra == {"trade_state": "SENT", "allowed": ["trade.ack"]}
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>"),
        Answer(200, b"[1]"),
        Answer(200, b'"text"'),
        Answer(307, b"", {"Location": "https://elsewhere.example/"}),
        Answer(200, b'{"a":' * 9_000),
        Answer(400, b"[" * 9_000),
        Answer(404, b"[]"),
        Answer(400, b'{"detail": "no code"}'),
        Answer(500, b"null"),
        Answer(200, b"\x1f\x8b not gzip", {"Content-Encoding": "gzip"}),
    ],
    ids=lambda answer: str(answer)[:40],
)
def test_what_is_not_the_gateways_interface_is_one_error(serve: Serve, answer: Answer) -> None:
    _, server = serve(answer)
    with pytest.raises(ClientError) as caught:
        connect(server).get("/v1/market")
    assert caught.value.code == "gateway_answer"


def test_a_gateway_that_is_not_there_is_told_from_one_that_broke_off(serve: Serve) -> None:
    _, server = serve(DROP)
    with pytest.raises(ClientError) as caught:
        connect(server).get("/v1/market")
    assert (caught.value.code, caught.value.retryable) == ("gateway_silent", True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = Http(f"https://127.0.0.1:{free.getsockname()[1]}", ca_file=str(server.ca_file))
        with pytest.raises(ClientError) as caught:
            nobody.get("/v1/market")
    assert (caught.value.code, caught.value.retryable) == ("gateway_unreachable", True)


def test_a_gateway_with_a_certificate_of_another_authority_is_sent_nothing(serve: Serve) -> None:
    (script, server), (_, other) = serve(OK), serve(OK)
    http = Http(server.url, ca_file=str(other.ca_file))
    with pytest.raises(ClientError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        http.get("/v1/market")
    assert caught.value.code == "gateway_unreachable"
    assert script.requests == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://", "gateway", "https://host:port", "ftp://x"])
def test_only_https_is_spoken(url: str) -> None:
    with pytest.raises(ClientError) as caught:
        Http(url)
    assert caught.value.code == "refused_here"


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_ca_file_that_holds_none_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClientError, match=r"ca\.pem"):
        Http("https://127.0.0.1:1", ca_file=str(path))


@pytest.mark.parametrize(
    ("status", "headers"),
    [(200, {}), (206, {}), (206, {"Content-Range": "bytes 0-9/10"}), (206, {"Content-Range": "bytes 40-49/50"})],
)
def test_bytes_of_another_range_are_not_taken(serve: Serve, status: int, headers: dict[str, Any]) -> None:
    _, server = serve(Answer(status, b"0123456789", headers))
    with pytest.raises(ClientError) as caught, connect(server).download("/p", start=4):
        pass
    assert caught.value.code == "gateway_answer"


def test_a_stream_that_is_refused_or_breaks_off_is_an_error(serve: Serve) -> None:
    _, server = serve(problem(409, "package_not_released"), Answer(200, b"0123456789", cut=4))
    http = connect(server)
    with pytest.raises(ClientError) as caught, http.download("/p"):
        pass
    assert caught.value.code == "package_not_released"
    with pytest.raises(ClientError) as caught, http.download("/p") as pieces:
        list(pieces)
    assert (caught.value.code, caught.value.retryable) == ("gateway_silent", True)


def test_neither_key_nor_signature_shows_in_an_error(serve: Serve, key: AccountKey) -> None:
    _, server = serve(DROP)
    with pytest.raises(ClientError) as caught:
        connect(server, key).post("/v1/trades", {"intent": "secret-intent"})
    text = repr(caught.value) + str(caught.value) + repr(caught.value.__cause__)
    assert "secret-intent" not in text
    assert "ignature" not in text
