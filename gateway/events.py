"""Event streams (Server-Sent Events): what happens on the ledger, told to whom it concerns as it happens.

Each stream holds one thread of the server, so there are never so many that ordinary requests must wait for one.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator

from countermark.gateway.bell import Bell
from countermark.platform.store.engine import Database
from countermark.platform.views import events
from countermark.platform.views.events import Event
from countermark.protocol.errors import ErrorCode, MarketError

_log = logging.getLogger(__name__)

KEEPALIVE_S = 5.0
"""Longest silence: the comment that then comes finds out whether the client is still there."""

_OPENED = b": open\n\n"
_KEEPALIVE = b": still here\n\n"


class EventStreams:
    """All streams of one process."""

    def __init__(self, *, database: Database, bell: Bell, most: int) -> None:
        """Serve at most ``most`` streams at once."""
        self._database = database
        self._bell = bell
        self._most = most
        self._lock = threading.Lock()
        self._running = 0

    @property
    def running(self) -> int:
        """How many streams are open."""
        return self._running

    def open(self, account: str, *, subject: str = "", last_id: int | None = None) -> "EventStream":
        """Return a stream of the events after ``last_id``, by default of those still to come; to be closed.

        Raises:
            MarketError: BUSY when there are as many as may be; DATABASE_UNAVAILABLE.
        """
        if last_id is None:
            with self._database.autocommit() as connection:
                last_id = events.newest(connection)
        with self._lock:
            if self._running >= self._most:
                raise MarketError(ErrorCode.BUSY, "too many event streams are open; ask again later, or poll")
            self._running += 1
        return EventStream(self, account, subject, last_id)

    def leave(self) -> None:
        """Give one place back."""
        with self._lock:
            self._running -= 1

    def next_events(self, account: str, subject: str, last_id: int) -> Iterator[list[Event]]:
        """Yield the events after ``last_id`` in batches as they come, an empty one after each `KEEPALIVE_S` seconds.

        It ends when the process does.

        Raises:
            MarketError: DATABASE_UNAVAILABLE; the client comes back with the last id that it has.
        """
        silent_since = time.monotonic()
        while not self._bell.closed:
            rung = self._bell.rung()
            with self._database.autocommit() as connection:
                batch = events.after(connection, last_id, account=account, subject=subject)
            if batch:
                last_id = batch[-1].seq
            elif time.monotonic() - silent_since < KEEPALIVE_S:
                self._bell.wait(rung, KEEPALIVE_S)
                continue
            yield batch
            silent_since = time.monotonic()


class EventStream:
    """The bytes of one stream."""

    def __init__(self, streams: EventStreams, account: str, subject: str, last_id: int) -> None:
        self._streams = streams
        self._lock = threading.Lock()
        self._open = True
        self._batches = streams.next_events(account, subject, last_id)

    def __iter__(self) -> Iterator[bytes]:
        # Sent at once, so that the client knows from when on nothing will escape it.
        yield _OPENED
        try:
            for batch in self._batches:
                yield b"".join(map(frame, batch)) or _KEEPALIVE
        except MarketError as error:
            # The headers have left: all that is left to do is to end, and the client comes back with its last id.
            _log.warning("an event stream ended: %s", error)

    def close(self) -> None:
        """Give the stream's place back; again does nothing."""
        with self._lock:
            was_open, self._open = self._open, False
        if was_open:
            self._streams.leave()


def frame(event: Event) -> bytes:
    """Return ``event`` as it stands in a stream (HTML standard, section 9.2)."""
    return f"id: {event.seq}\nevent: {event.function}\ndata: {json.dumps(event.to_json())}\n\n".encode()
