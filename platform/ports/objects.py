"""A store for large opaque objects: packages in transit, sealed fingerprints, openings."""

from collections.abc import Iterable, Iterator
from typing import Protocol


class ObjectStore(Protocol):
    """Names are paths of lower-case segments, such as `packages/<trade>`; an object is written once, in order.

    An upload grows by `append` and becomes final by `seal`: nobody reads half an object as a whole one. One writer at
    a time has an object, over all processes: who comes second waits. An object that is deleted meanwhile is another
    one than what is written under its name from then on; whoever still writes to the old one writes to nowhere.

    Every method may raise `MarketError` STORE_UNAVAILABLE (a full disk, a server that does not answer in time), and
    DATABASE_UNAVAILABLE where the database knows what lies in the store.
    """

    def size(self, name: str) -> int:
        """Return how many bytes are held under `name`, sealed or not; 0 when there are none."""
        ...

    def append(self, name: str, offset: int, data: Iterable[bytes]) -> int:
        """Write `data` from `offset` on and return the new size; what stood behind `offset` is replaced.

        What was written before `data` itself broke off is kept, so an upload resumes at `size`.

        Raises:
            MarketError: UPLOAD_OFFSET when fewer than `offset` bytes are held, WRONG_STATE when it is sealed,
                NOT_FOUND when it is deleted meanwhile, from a store that sees it.
        """
        ...

    def seal(self, name: str, size: int) -> None:
        """Make the object of `size` bytes final and durable; to seal it again does nothing.

        From then on nobody changes a byte of it: who must know what he keeps seals first and looks then.

        Raises:
            MarketError: NOT_FOUND when nothing was uploaded; UPLOAD_OFFSET when it has another size by now.
        """
        ...

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes `start` up to `stop` (exclusive; default the end) of a sealed object, in pieces.

        An object that is deleted meanwhile may break off with NOT_FOUND.

        Raises:
            MarketError: NOT_FOUND when it is not there or not sealed; at once, not at the first piece.
        """
        ...

    def probe(self) -> None:
        """Return if the store answers; readiness asks.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...

    def clear(self, prefix: str) -> None:
        """Remove every object whose name begins with `prefix` and a slash; that there is none is no error."""
        ...
