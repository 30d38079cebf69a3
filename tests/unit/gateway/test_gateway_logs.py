"""What the gateway and the worker log of an unforeseen error: its kind and its place, never what it choked on."""

import json
import subprocess
import sys
from typing import Any

import pytest
from structlog.contextvars import get_contextvars

from countermark.gateway import app
from countermark.platform.observing.about import about
from tests.support.front import Front
from tests.support.market import anything

CANARY = "canary-in-the-text-of-an-error"

# A process of its own: pytest's own handlers would format the same records.
PROGRAM = """
import logging, sys
import structlog
from countermark.gateway import logs

def fail(text):
    raise ValueError(f"invalid literal: {text!r}")

logs.configure("gateway")
logger = {"library": logging.getLogger, "ours": structlog.stdlib.get_logger}[sys.argv[1]]("some.name")
try:
    fail(sys.argv[2])
except ValueError:
    logger.exception("something failed")
"""


@pytest.mark.parametrize("whose", ["library", "ours"])
def test_the_text_of_an_exception_is_not_logged(whose: str) -> None:
    command = [sys.executable, "-c", PROGRAM, whose, CANARY]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert CANARY not in written
    (line,) = map(json.loads, written.splitlines())
    assert (line["event"], line["error"]) == ("something failed", "ValueError")
    assert line["at"][-1].endswith(" fail")


def test_what_ends_the_process_is_told_as_everything_else_is() -> None:
    program = "from countermark.gateway import logs\nlogs.configure('worker')\nraise KeyError('canary')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    (line,) = map(json.loads, done.stderr.splitlines())
    assert done.returncode == 1
    assert (line["level"], line["error"], line["process"]) == ("critical", "KeyError", "worker")
    assert "canary" not in done.stderr


def test_what_ends_a_thread_is_told_as_everything_else_is() -> None:
    program = (
        "import threading\nfrom countermark.gateway import logs\nlogs.configure('worker')\n"
        "def end():\n    raise KeyError('canary')\n"
        "thread = threading.Thread(target=end, name='some thread')\nthread.start()\nthread.join()"
    )
    written = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
    (line,) = map(json.loads, written.splitlines())
    assert (line["event"], line["error"]) == ("some thread ends", "KeyError")
    assert "canary" not in written


TRADE, TXID = f"tr1{'a' * 52}", "0" * 64


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"/v1/trades/{TRADE}", {"trade": TRADE}),
        (f"/v1/trades/{TRADE}/payment", {"trade": TRADE}),
        (f"/v1/audit/trades/{TRADE}", {"trade": TRADE}),
        (f"/v1/transactions/{TXID}", {"txid": TXID}),
        ("/v1/trades/canary", {}),
        (f"/v1/trades/{TRADE}canary", {}),
        ("/v1/transactions/canary", {}),
        (f"/v1/transactions/{TXID.replace('0', 'A')}", {}),
        (f"/v1/audit/accounts/{anything('account')}", {}),
        ("/v1/market", {}),
    ],
)
def test_a_request_names_the_trade_or_transaction_of_its_path_and_nothing_else(
    front: Front, monkeypatch: pytest.MonkeyPatch, path: str, named: dict[str, str]
) -> None:
    lines: list[tuple[str, dict[str, Any]]] = []

    class Recorder:
        def info(self, event: str, **_: object) -> None:
            lines.append((event, dict(get_contextvars())))

    monkeypatch.setattr(app, "_log", Recorder())
    with about(txid="f" * 64):  # what the thread did before has nothing to do with it
        front.raw().get(path)
    assert lines == [("request", named)]
    assert get_contextvars() == {}
