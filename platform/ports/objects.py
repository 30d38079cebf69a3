"""A store for large opaque objects: packages in transit, sealed fingerprints, openings."""

from collections.abc import Iterable, Iterator
from typing import Protocol


class ObjectStore(Protocol):
    """Names are paths of lower-case segments, such as `packages/<trade>`; an object is written once, in order.

    An upload grows by `append` and becomes final by `seal`: nobody reads half an object as a whole one. Every
    method may raise `MarketError` STORE_UNAVAILABLE (a full disk, an unreachable server).
    """

    def size(self, name: str) -> int:
        """Return how many bytes are held under `name`, sealed or not; 0 when there are none."""
        ...

    def append(self, name: str, offset: int, data: Iterable[bytes]) -> int:
        """Write `data` from `offset` on and return the new size; what stood behind `offset` is replaced.

        What was written before `data` itself broke off is kept, so an upload resumes at `size`.

        Raises:
            MarketError: UPLOAD_OFFSET when fewer than `offset` bytes are held, WRONG_STATE when it is sealed.
        """
        ...

    def seal(self, name: str) -> None:
        """Make the object final and durable; to seal it again does nothing.

        Raises:
            MarketError: NOT_FOUND when nothing was uploaded.
        """
        ...

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes `start` up to `stop` (exclusive; default the end) of a sealed object, in pieces.

        Raises:
            MarketError: NOT_FOUND when it is not there or not sealed.
        """
        ...

    def read_unsealed(self, name: str) -> Iterator[bytes]:
        """Yield the bytes uploaded so far, sealed or not: for checking them before sealing.

        Raises:
            MarketError: NOT_FOUND when nothing was uploaded.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...
