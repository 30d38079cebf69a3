"""The server process: who may connect, how it starts, what SIGTERM does, and what gRPC's defaults would break."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from fabric_protos.peer import chaincode_shim_pb2_grpc

from countermark.chaincode.server import main
from countermark.chaincode.shim import service
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.service import ChaincodeServer, Tls
from countermark.chaincode.shim.stub import OK, Response, Stub
from tests.unit.chaincode.peer_on_loopback import CCID, M, TestTls, connected, run, transaction

PROCESS = """
import sys
from countermark.chaincode.server import main
from countermark.chaincode.shim.stub import OK, Response

async def handler(stub):
    return Response(OK, await stub.get_state("k") or b"(none)")

sys.exit(main(handler=handler))
"""


async def echo(stub: Stub) -> Response:
    value = await stub.get_state("k") or b""
    await stub.put_state("k", stub.args[0] if stub.args else b"1")
    return Response(OK, value)


@contextlib.asynccontextmanager
async def process(tls: TestTls, **environment: str) -> AsyncIterator[tuple[Any, int]]:
    """The server as a process of its own, and the port from its ready line."""
    given = {
        **os.environ,
        "CHAINCODE_SERVER_ADDRESS": "127.0.0.1:0",
        "CHAINCODE_ID": CCID,
        "CHAINCODE_TLS_CERT": str(tls.server.certificate),
        "CHAINCODE_TLS_KEY": str(tls.server.key),
        "CHAINCODE_CLIENT_CA": str(tls.server.client_ca),
        **environment,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, env=given, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert child.stderr is not None
        line = json.loads(await asyncio.wait_for(child.stderr.readline(), 20))
        assert line["event"].startswith("chaincode listening on 127.0.0.1:")
        yield child, int(line["event"].rpartition(":")[2])
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


class TestWhoMayConnect:
    @pytest.mark.parametrize("pair", ["none", "stranger"])
    def test_a_client_without_a_certificate_of_the_authority_is_refused(self, tls: TestTls, pair: str) -> None:
        async def everything() -> None:
            server = ChaincodeServer(CCID, echo)
            port = await server.start("127.0.0.1:0", tls.server)
            async with tls.channel(port, pair=tls.stranger if pair == "stranger" else None) as channel:
                stream = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await stream.read()
                assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
            await server.stop(0)

        asyncio.run(everything())

    def test_a_client_without_tls_is_refused(self, tls: TestTls) -> None:
        async def everything() -> None:
            server = ChaincodeServer(CCID, echo)
            port = await server.start("127.0.0.1:0", tls.server)
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stream = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
                with pytest.raises(grpc.aio.AioRpcError):
                    await stream.read()
            await server.stop(0)

        asyncio.run(everything())


class TestTheProcess:
    def test_it_says_when_it_is_ready_and_serves(self, tls: TestTls) -> None:
        async def everything() -> None:
            async with process(tls) as (child, port):
                async with connected(port, tls) as peer:
                    assert (await peer.invoke("f")).payload == b"(none)"
                child.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(child.wait(), 10) == 0

        asyncio.run(everything())

    def test_sigterm_lets_running_invocations_end_and_refuses_new_ones(self, tls: TestTls) -> None:
        async def everything() -> None:
            async with process(tls) as (child, port), connected(port, tls) as peer:
                asked, value = asyncio.Event(), asyncio.get_running_loop().create_future()

                async def hold(message: Any) -> bytes:
                    asked.set()
                    result: bytes = await value
                    return result

                peer.answer = hold
                running = await peer.begin(transaction("f", number=1))
                await asyncio.wait_for(asked.wait(), 5)
                child.send_signal(signal.SIGTERM)
                while b"draining" not in await asyncio.wait_for(child.stderr.readline(), 5):
                    continue
                refused = await peer.run(transaction("f", number=2))
                assert (refused.type, refused.payload) == (M.ERROR, b"the chaincode is shutting down")
                assert not running.done()
                value.set_result(b"in time")
                assert b"in time" in (await asyncio.wait_for(running, 5)).payload
                assert await asyncio.wait_for(peer.other.get(), 5) is grpc.aio.EOF
                assert await asyncio.wait_for(child.wait(), 10) == 0

        asyncio.run(everything())

    def test_sigterm_does_not_wait_longer_than_its_grace(self, tls: TestTls) -> None:
        async def everything() -> None:
            async with process(tls, CHAINCODE_GRACE="0.3") as (child, port), connected(port, tls) as peer:
                asked = asyncio.Event()

                async def never(message: Any) -> bytes:
                    asked.set()
                    result: bytes = await asyncio.get_running_loop().create_future()
                    return result

                peer.answer = never
                await peer.begin(transaction("f"))
                await asyncio.wait_for(asked.wait(), 5)
                child.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(child.wait(), 5) == 0

        asyncio.run(everything())

    def test_it_dies_by_kill_and_the_peer_notices(self, tls: TestTls) -> None:
        async def everything() -> None:
            async with process(tls) as (child, port), connected(port, tls) as peer:
                child.kill()
                assert isinstance(await asyncio.wait_for(peer.other.get(), 5), grpc.aio.AioRpcError)

        asyncio.run(everything())


class TestStarting:
    ARGUMENTS = ("--address", "127.0.0.1:0", "--ccid", CCID)

    def arguments(self, tls: Tls) -> list[str]:
        files = ("--tls-cert", str(tls.certificate), "--tls-key", str(tls.key), "--client-ca", str(tls.client_ca))
        return [*self.ARGUMENTS, *files]

    def test_a_taken_port_is_refused_with_status_1(self, tls: TestTls, caplog: pytest.LogCaptureFixture) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            assert main([*self.arguments(tls.server), "--address", address], handler=echo) == 1
        assert f"cannot listen on {address}" in caplog.text

    def test_a_missing_key_is_named(self, tls: TestTls, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        missing = Tls(tls.server.certificate, tmp_path / "absent.pem", tls.server.client_ca)
        assert main(self.arguments(missing), handler=echo) == 1
        assert "absent.pem" in caplog.text

    def test_two_servers_cannot_share_a_port(self, tls: TestTls) -> None:
        async def everything() -> None:
            first = ChaincodeServer(CCID, echo)
            port = await first.start("127.0.0.1:0", tls.server)
            with pytest.raises(ShimError):
                await ChaincodeServer(CCID, echo).start(f"127.0.0.1:{port}", tls.server)
            await first.stop(0)

        asyncio.run(everything())

    @pytest.mark.parametrize("missing", ["--address", "--ccid", "--tls-cert", "--tls-key", "--client-ca"])
    def test_every_setting_without_a_default_is_demanded(
        self, tls: TestTls, missing: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = self.arguments(tls.server)
        position = arguments.index(missing)
        with pytest.raises(SystemExit):
            main(arguments[:position] + arguments[position + 2 :], handler=echo)
        assert missing in capsys.readouterr().err

    @pytest.mark.parametrize("value", ["soon", "-1", "nan", "0"])
    def test_a_time_limit_that_is_no_positive_number_of_seconds_is_refused(
        self, tls: TestTls, value: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            main([*self.arguments(tls.server), f"--time-limit={value}"], handler=echo)
        assert "seconds" in capsys.readouterr().err

    def test_help_needs_no_contracts(self) -> None:
        command = [sys.executable, "-m", "countermark.chaincode.server", "--help"]
        shown = subprocess.run(command, check=True, capture_output=True, text=True)
        assert "--client-ca" in shown.stdout


# What a real peer does every 60 s: ping a stream on which nothing else travels. Here as often as gRPC lets it.
PINGS = (
    ("grpc.keepalive_time_ms", 100),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)


class TestDefaultsOfGrpcThatWouldBreakIt:
    def test_pings_on_an_idle_stream_cut_a_default_server_and_not_ours(
        self, tls: TestTls, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def everything() -> None:
            ours, default = ChaincodeServer(CCID, echo), ChaincodeServer(CCID, echo)
            port = await ours.start("127.0.0.1:0", tls.server)
            monkeypatch.setattr(service, "OPTIONS", ())
            default_port = await default.start("127.0.0.1:0", tls.server)
            async with (
                connected(port, tls, options=PINGS) as peer,
                connected(default_port, tls, options=PINGS) as peer_of_default,
            ):
                cut = await asyncio.wait_for(peer_of_default.other.get(), 20)
                assert cut.details() == "Too many pings"
                assert peer.other.empty()
                assert (await peer.invoke("f")).status == OK
            await asyncio.gather(ours.stop(0), default.stop(0))

        asyncio.run(everything())

    def test_messages_far_over_four_megabytes_pass_both_ways(self, tls: TestTls) -> None:
        value = bytes(24 * 1024 * 1024)
        unlimited = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))

        async def scenario(peer: Any) -> None:
            async def large(message: Any) -> bytes:
                return value if message.type == M.GET_STATE else b""

            peer.answer = large
            assert (await peer.invoke("f", value)).payload == value

        run(tls, echo, scenario, options=unlimited)
