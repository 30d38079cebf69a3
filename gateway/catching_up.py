"""Requests that a member's gateway passed on wait for the blocks that it had read: its trader acts on what he saw.

The height comes unsigned, from anybody. So few requests wait at once, and none for long: whoever lies keeps no thread
from others, and what has not come by then is refused as it would have been.
"""

import re
import threading
from typing import Final

from countermark.gateway.bell import Bell

__all__ = ["HEIGHT", "CatchingUp"]

HEIGHT: Final = "Countermark-Height"
"""The field of a request that says how many blocks the tables of the gateway have that passed it on."""

LONGEST_S: Final = 5.0
"""How long a request waits at most."""

_BLOCKS: Final = re.compile(r"[0-9]{1,15}")


class CatchingUp:
    """Holds requests back until the tables have what their senders saw. May be shared between threads."""

    def __init__(self, bell: Bell, *, most: int) -> None:
        """Let at most ``most`` requests wait at once; others go on."""
        self._bell = bell
        self._places = threading.BoundedSemaphore(most)

    def wait(self, height: str) -> None:
        """Wait until the tables have so many blocks as ``height`` says, if it is a number.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        if not _BLOCKS.fullmatch(height) or not self._places.acquire(blocking=False):
            return
        try:
            self._bell.wait_height(int(height), timeout_s=LONGEST_S)
        finally:
            self._places.release()
