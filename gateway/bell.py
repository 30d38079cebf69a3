"""Wakes the threads of one process when something has happened elsewhere (PostgreSQL's NOTIFY)."""

import logging
import os
import threading
import time

from countermark.platform.store import channels
from countermark.platform.store.engine import Database
from countermark.platform.views import progress
from countermark.protocol.errors import MarketError

_log = logging.getLogger(__name__)

_LISTEN_S = 5.0
_LOST_S = 1.0
"""Pause before a lost connection is opened again."""

_LOOK_S = 0.5
"""How long a waiter relies on the bell alone: what rang while the connection was lost is found by looking."""


class Bell:
    """One listening connection for all threads of a process; it is opened when first waited for, after any fork."""

    def __init__(self, database: Database, *notified: str) -> None:
        """Ring on each of the channels ``notified``; by default when the projector has applied a block."""
        self._database = database
        self._notified = notified or (channels.BLOCKS,)
        self._changed = threading.Condition()
        self._rung = 0
        self._looking = threading.Lock()
        self._seen = (-1, 0)
        self._pid = 0
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        """Whether the process is ending; whoever waits should give up."""
        return self._closed.is_set()

    def rung(self) -> int:
        """Return how often the bell has rung; to be read before looking at the tables, and handed to `wait`."""
        self._listen()
        with self._changed:
            return self._rung

    def wait(self, rung: int, timeout_s: float) -> int:
        """Wait until the bell has rung more than ``rung`` times, but not long, and return how often it has."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung > rung, min(timeout_s, _LOOK_S))
            return self._rung

    def wait_height(self, height: int, *, timeout_s: float) -> bool:
        """Return whether the projection reaches ``height`` blocks within ``timeout_s`` seconds.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        deadline = time.monotonic() + timeout_s
        rung, again = self.rung(), False
        while self._look(rung, again=again) < height:
            left = deadline - time.monotonic()
            if left <= 0 or self.closed:
                # The ring may be late, or have been lost.
                return not again and self._look(rung, again=True) >= height
            before, rung = rung, self.wait(rung, left)
            again = rung == before
        return True

    def _look(self, rung: int, *, again: bool) -> int:
        """Return how many blocks were applied when the bell had rung ``rung`` times, or later.

        Each ring is looked into once, however many wait for it; ``again`` looks in any case.
        """
        with self._looking:
            if again or self._seen[0] < rung:
                with self._changed:
                    rung = self._rung
                with self._database.autocommit() as connection:
                    self._seen = (rung, progress.height(connection))
            return self._seen[1]

    def close(self) -> None:
        """End the listening thread; takes no lock, so a signal handler may call it."""
        self._closed.set()

    def _listen(self) -> None:
        with self._changed:
            if self._pid == os.getpid() or self.closed:
                return
            self._pid = os.getpid()
        threading.Thread(target=self._run, name="bell", daemon=True).start()

    def _run(self) -> None:
        while not self.closed:
            try:
                with self._database.listener(*self._notified) as listener:
                    self._ring()
                    while not self.closed:
                        if listener.wait(_LISTEN_S):
                            self._ring()
            except MarketError as error:
                _log.warning("no notifications: %s", error)
                self._closed.wait(_LOST_S)

    def _ring(self) -> None:
        with self._changed:
            self._rung += 1
            self._changed.notify_all()
