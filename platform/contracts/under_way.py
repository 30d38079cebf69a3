"""What a process is about, so that it is not begun a second time before it has an end."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from countermark.protocol.errors import ErrorCode, MarketError


class UnderWay:
    """Names of what is under way in this process. May be shared between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._names: set[str] = set()

    @contextmanager
    def entering(self, name: str) -> Iterator[None]:
        """Let ``name`` be under way while the block runs.

        Raises:
            MarketError: BUSY when it is already.
        """
        with self._lock:
            if name in self._names:
                raise MarketError(ErrorCode.BUSY, "this is under way: ask again for what comes of it")
            self._names.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._names.discard(name)
