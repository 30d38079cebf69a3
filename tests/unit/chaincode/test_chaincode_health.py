"""Whether a chaincode server serves, as its container asks: a process that is there may yet answer nobody."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from countermark.chaincode import healthcheck
from countermark.chaincode.shim import health
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.health import Asker
from countermark.chaincode.shim.service import ChaincodeServer
from countermark.chaincode.shim.stub import OK, Response, Stub
from tests.unit.chaincode.peer_on_loopback import CCID, TestTls


async def nothing(_stub: Stub) -> Response:
    return Response(OK)


@contextmanager
def serving(tls: TestTls) -> Iterator[tuple[int, asyncio.AbstractEventLoop]]:
    """A server in a thread of its own, its port, and the loop in which its invocations would run."""
    loop = asyncio.new_event_loop()
    server, started, ending = ChaincodeServer(CCID, nothing), threading.Event(), asyncio.Event()
    ports: list[int] = []

    async def serve() -> None:
        ports.append(await server.start("127.0.0.1:0", tls.server))
        started.set()
        await ending.wait()
        await server.stop(0)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(20)
        yield ports[0], loop
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()
        loop.close()


def environment(tls: TestTls, port: int, host: str = "127.0.0.1") -> dict[str, str]:
    return {
        "CHAINCODE_SERVER_ADDRESS": f"{host}:{port}",
        "CHAINCODE_TLS_CERT": str(tls.server.certificate),
        "CHAINCODE_TLS_KEY": str(tls.server.key),
        "CHAINCODE_CLIENT_CA": str(tls.server.client_ca),
    }


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - it is dialled, not listened on
def test_a_server_that_serves_is_healthy(tls: TestTls, host: str) -> None:
    """In a container it listens on all addresses, of which none can be dialled by that name everywhere."""
    with serving(tls) as (port, _):
        assert healthcheck.main(environment(tls, port, host)) == 0


def test_a_server_whose_loop_hangs_is_not_healthy(
    tls: TestTls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """gRPC's own threads still take connections and do TLS then: that somebody listens says nothing."""
    monkeypatch.setattr(health, "ANSWER_S", 0.5)
    with serving(tls) as (port, loop):
        hanging, released = threading.Event(), threading.Event()

        def hang() -> None:
            hanging.set()
            released.wait()

        loop.call_soon_threadsafe(hang)
        assert hanging.wait(20)
        try:
            assert healthcheck.main(environment(tls, port)) == 1
        finally:
            released.set()
    assert "DEADLINE_EXCEEDED" in capsys.readouterr().err


def test_nobody_on_the_port_is_not_healthy(tls: TestTls) -> None:
    with serving(tls) as (port, _):
        pass
    with pytest.raises(ShimError, match=f"no answer from 127.0.0.1:{port}"):
        Asker(f"127.0.0.1:{port}", tls.server.certificate, tls.server.key, tls.server.client_ca).ask()


def test_a_server_that_does_not_know_the_question_is_not_healthy(
    tls: TestTls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tls) as (port, _):
        monkeypatch.setattr(health, "SERVICE", f"{health.SERVICE}.Other")
        with pytest.raises(ShimError, match="UNIMPLEMENTED"):
            Asker(f"127.0.0.1:{port}", tls.server.certificate, tls.server.key, tls.server.client_ca).ask()


def test_a_stranger_is_told_nothing(tls: TestTls) -> None:
    """The question is answered behind mutual TLS, as everything is."""
    with serving(tls) as (port, _):
        key, certificate = tls.stranger
        credentials = grpc.ssl_channel_credentials(tls.roots, key, certificate)
        with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
            call = channel.unary_unary(f"/{health.SERVICE}/Check")
            with pytest.raises(grpc.RpcError) as refused:
                call(b"", timeout=20)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("missing", ["CHAINCODE_SERVER_ADDRESS", "CHAINCODE_CLIENT_CA"])
def test_what_is_not_set_is_named(tls: TestTls, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main(environment(tls, 1) | {missing: ""}) == 1
    assert capsys.readouterr().err == f"{missing} is not set\n"


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"no certificate", "is no certificate with names")]
)
def test_a_certificate_that_cannot_be_used_is_named(
    tls: TestTls, tmp_path_factory: pytest.TempPathFactory, content: bytes | None, said: str
) -> None:
    file = tmp_path_factory.mktemp("tls") / "cert.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ShimError, match=said):
        Asker("127.0.0.1:1", file, tls.server.key, tls.server.client_ca).ask()


def test_it_runs_as_a_container_runs_it(tls: TestTls) -> None:
    with serving(tls) as (port, _):
        done = subprocess.run(
            [sys.executable, "-m", "countermark.chaincode.healthcheck"],
            env={**os.environ, **environment(tls, port)},
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
