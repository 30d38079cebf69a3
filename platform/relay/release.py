"""Hand an encrypted package to its buyer, any range of it, once the ledger says SENT (step (15)).

Not before: the receive clock starts when SENT commits, and a buyer who had the bytes earlier could let the trade be
refunded for a relay that never happened.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from countermark.platform.ports import ObjectStore
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Row, func, select, update
from countermark.platform.trades import TradeView, load_trade
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import TradeState


@dataclass(frozen=True, slots=True)
class PackageRange:
    """The bytes ``start`` up to ``stop`` (exclusive) of a package of ``size`` bytes with this Merkle ``root``."""

    size: int
    root: str
    start: int
    stop: int
    pieces: Iterator[bytes] = field(repr=False)


class PackageRelease:
    """Reads packages out. May be shared between threads and processes."""

    def __init__(self, *, database: Database, objects: ObjectStore, clock: Callable[[], int]) -> None:
        """Create a reader; ``clock`` gives the time in ms since the epoch."""
        self._database = database
        self._objects = objects
        self._clock = clock

    def read(self, trade: str, *, account: str, start: int = 0, stop: int | None = None) -> PackageRange:
        """Return the bytes ``start`` up to ``stop`` (exclusive; default the end) for ``account``, the buyer.

        Raises:
            MarketError: UNKNOWN_TRADE, WRONG_ACTOR, PACKAGE_NOT_RELEASED, NOT_FOUND when it was deleted since, or
                MALFORMED_REQUEST for a range outside the package.
        """
        with self._database.begin() as connection:
            view = load_trade(connection, trade)
            _check(view, account)
            row = connection.execute(select(tables.packages).where(tables.packages.c.trade == trade)).one_or_none()
            if row is None or row.state not in ("COMPLETE", "RELEASED"):
                raise MarketError(ErrorCode.NOT_FOUND, "the package is kept no longer")
            end = row.size if stop is None else stop
            if not 0 <= start < end <= row.size:
                raise MarketError(ErrorCode.MALFORMED_REQUEST, f"the package has {row.size} bytes")
            released = func.coalesce(tables.packages.c.released_ms, self._clock())
            connection.execute(
                update(tables.packages)
                .where(tables.packages.c.trade == trade, tables.packages.c.state != "DELETED")
                .values(state="RELEASED", released_ms=released)
            )
        return PackageRange(row.size, row.root, start, end, self._pieces(row, start, end))

    def _pieces(self, row: Row[Any], start: int, stop: int) -> Iterator[bytes]:
        yield from self._objects.read(row.object_name, start, stop)
        if stop == row.size:
            # Evidence of a complete transmission, as good as the server's side can have.
            with self._database.begin() as connection:
                fetched = func.coalesce(tables.packages.c.fetched_ms, self._clock())
                connection.execute(
                    update(tables.packages).where(tables.packages.c.trade == row.trade).values(fetched_ms=fetched)
                )


def _check(view: TradeView, account: str) -> None:
    if view.role(account) != "buyer":
        raise MarketError(ErrorCode.WRONG_ACTOR, "only the buyer fetches the package")
    if view.relayed_at_ms is None or view.state is TradeState.REFUNDED:
        raise MarketError(ErrorCode.PACKAGE_NOT_RELEASED, f"no package is released in state {view.state}")
