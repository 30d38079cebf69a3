"""What a chaincode process writes down: lines of JSON that name the invocation, and never what it carried."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.chaincode.peer_on_loopback import CCID, M, TestTls, connected, transaction

PROCESS = """
import sys
from countermark.chaincode.server import main
from countermark.chaincode.shim.stub import OK, Response
from countermark.protocol.errors import ErrorCode, MarketError

async def handler(stub):
    await stub.get_state("k")
    if stub.function == "refuse":
        raise MarketError(ErrorCode.WRONG_STATE, "it always does")
    if stub.function == "choke":
        raise KeyError("the canary's salt")
    return Response(OK, b"")

sys.exit(main(handler=handler))
"""


@contextlib.asynccontextmanager
async def process(tls: TestTls, written: list[bytes], **environment: str) -> AsyncIterator[int]:
    """The server as a process of its own, and its port; all of its lines are in `written` when it has ended."""
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
    assert child.stderr is not None
    try:
        written.append(await asyncio.wait_for(child.stderr.readline(), 30))
        yield int(json.loads(written[0])["event"].rpartition(":")[2])
        child.send_signal(signal.SIGTERM)
        written += (await asyncio.wait_for(child.stderr.read(), 30)).splitlines()
        assert await child.wait() == 0
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def lines(tls: TestTls, *functions: str, **environment: str) -> list[dict[str, Any]]:
    """The log of a process that was asked for `functions`, one transaction each."""
    written: list[bytes] = []

    async def everything() -> None:
        async with process(tls, written, **environment) as port, connected(port, tls) as peer:
            await asyncio.gather(
                *(peer.run(transaction(name, b"canary", number=n)) for n, name in enumerate(functions, start=1))
            )
            await peer.send(M(type=M.RESPONSE, channel_id="market", txid="gone"))
            await peer.run(transaction("plain", number=99))  # what was sent before it has been taken

    asyncio.run(everything())
    assert b"canary" not in b"".join(written)
    return [json.loads(line) for line in written]


def test_lines_about_an_invocation_name_its_transaction_and_channel_however_many_run(tls: TestTls) -> None:
    found = lines(tls, *("refuse", "choke", "plain") * 4)
    of = {number: transaction("f", number=number) for number in range(1, 13)}
    for kind, numbers in (("refused", (1, 4, 7, 10)), ("failed", (2, 5, 8, 11))):
        told = [line for line in found if kind in line["event"]]
        assert {(line["channel"], line["txid"]) for line in told} == {
            (of[number].channel_id, of[number].txid) for number in numbers
        }
        assert all(line["txid"] in line["event"] for line in told), "each its own"
    assert [line["txid"] for line in found if "waits for nothing" in line["event"]] == ["gone"]
    assert not [line for line in found if "txid" in line and line["event"].startswith(("stream", "registered"))]


def test_an_exception_is_told_by_kind_and_place_and_not_by_its_text(tls: TestTls) -> None:
    """A contract that fails over an opening must not write the opening down."""
    (line,) = [line for line in lines(tls, "choke") if "error" in line]
    assert (line["level"], line["error"], line["process"]) == ("error", "KeyError", "chaincode")
    assert line["at"][-1].endswith(" handler")


@pytest.mark.parametrize("level", ["ERROR", "WARNING"])
def test_that_it_listens_is_said_whatever_else_is_logged(tls: TestTls, level: str) -> None:
    found = lines(tls, "refuse", LOG_LEVEL=level)
    assert found[0]["event"].startswith("chaincode listening on ")
    assert not [line for line in found[1:] if line["level"] == "info"]
