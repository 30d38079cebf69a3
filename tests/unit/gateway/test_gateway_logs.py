"""What the gateway and the worker log of an unforeseen error: its kind and its place, never what it choked on."""

import json
import subprocess
import sys

import pytest

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
