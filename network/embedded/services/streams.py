"""What streams have in common: each holds a thread of its server, so there is a bound, and each notices its end."""

import threading
from typing import Any

import grpc

from countermark.network.embedded.following import Followers
from countermark.network.embedded.services.statuses import CallError


class Slots:
    """At most `count` streams at a time."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._free = threading.BoundedSemaphore(count)

    def take(self) -> "Slot":
        """Return a slot, given back when its `with` block ends.

        Raises:
            CallError: RESOURCE_EXHAUSTED, if all are taken.
        """
        if not self._free.acquire(blocking=False):
            raise CallError(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{self._count} streams are open already")
        return Slot(self._free)


class Slot:
    """One stream's place."""

    def __init__(self, semaphore: threading.BoundedSemaphore) -> None:
        self._semaphore = semaphore

    def __enter__(self) -> None:
        """Hold the place."""

    def __exit__(self, *_exception: object) -> None:
        """Give it back."""
        self._semaphore.release()


def watch_end(context: Any, followers: Followers) -> threading.Event:
    """Return an event that is set when the call of `context` ends; whoever then waits for a block is woken."""
    ended = threading.Event()

    def end() -> None:
        ended.set()
        followers.wake()

    if not context.add_callback(end):
        ended.set()
    return ended
