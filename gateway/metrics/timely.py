"""Read a figure in time or not at all: who scrapes waits a few seconds, a database that is cut off takes longer."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Generic, TypeVar

from countermark.platform.ports import LedgerError
from countermark.protocol.errors import ErrorCode, MarketError

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Timely(Generic[T]):
    """Reads something in a thread of its own, of which there is never more than one."""

    def __init__(self, name: str, read: Callable[[], T]) -> None:
        """``read`` raises MarketError or LedgerError where nothing can be read."""
        self._name = name
        self._read = read
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def begin(self) -> "Future[T]":
        """Return the reading that is under way, or a new one."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                threading.Thread(target=self._run, args=(self._running,), name=self._name, daemon=True).start()
            return self._running

    def _run(self, future: "Future[T]") -> None:
        try:
            future.set_result(self._read())
        except (MarketError, LedgerError) as error:
            future.set_exception(error)
        except Exception as error:
            # The outermost boundary of a reading: a defect here must not take all other figures away.
            _log.error("%s cannot be read: %s", self._name, type(error).__name__)
            future.set_exception(MarketError(ErrorCode.INTERNAL, f"{self._name} cannot be read"))


def wait(future: "Future[T]", deadline: float) -> T | None:
    """Return what was read until ``deadline`` (of the monotonic clock), None where that is nothing."""
    try:
        return future.result(max(deadline - time.monotonic(), 0))
    except (FutureTimeoutError, MarketError, LedgerError):
        return None
