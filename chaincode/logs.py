"""The log of a chaincode process: one JSON object per line on standard error, without anything of a payload.

Lines about an invocation name its transaction and channel, whichever part of the process writes them.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_FRAMES = 6

_invocation: ContextVar[tuple[str, str] | None] = ContextVar("invocation", default=None)


@contextmanager
def about(channel: str, txid: str) -> Iterator[None]:
    """Name the invocation on all lines of the present task within the block."""
    token = _invocation.set((channel, txid))
    try:
        yield
    finally:
        _invocation.reset(token)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON.

    Of an exception it shows what it is and where it was raised: its text may quote an opening or the pepper.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "event": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": "chaincode",
        }
        invocation = _invocation.get()
        if invocation is not None:
            line["channel"], line["txid"] = invocation
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["error"], line["at"] = type(error).__name__, _places(error)
        return json.dumps(line)


def configure() -> None:
    """Send everything to standard error as JSON, from the level on that `LOG_LEVEL` names."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), handlers=[handler])


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
