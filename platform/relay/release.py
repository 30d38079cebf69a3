"""Hand an encrypted package to its buyer, any range of it, once the ledger says that it was relayed (step (15)).

Not before: the receive clock starts when SENT commits, and a buyer who had the bytes earlier could let the trade be
refunded for a relay that never happened. A remedy he may accept only when it was relayed; who had its bytes before
would have the data while the arbiter decides on the first package alone. In a dispute whoever decides it gets the
first package too: it alone is the evidence.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from countermark.platform.ports import ObjectStore
from countermark.platform.relay.packages import WHOLE, find_package
from countermark.platform.relay.streams import exactly
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import func, update
from countermark.platform.trades import Delivery, TradeView, load_trade
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import TradeState


@dataclass(frozen=True, slots=True)
class Package:
    """A package that may be fetched: ``size`` bytes with this Merkle ``root``, by the ``buyer`` or as evidence."""

    trade: str
    delivery: Delivery
    size: int
    root: str
    object_name: str = field(repr=False)
    buyer: bool = True


class PackageRelease:
    """Reads packages out. May be shared between threads and processes."""

    def __init__(self, *, database: Database, objects: ObjectStore, clock: Callable[[], int]) -> None:
        """Create a reader; ``clock`` gives the time in ms since the epoch."""
        self._database = database
        self._objects = objects
        self._clock = clock

    def find(self, trade: str, *, account: str, delivery: Delivery = Delivery.FIRST) -> Package:
        """Return a package of ``trade`` for ``account``, its buyer or, of the first, the one who decides its dispute.

        Raises:
            MarketError: UNKNOWN_TRADE, WRONG_ACTOR, PACKAGE_NOT_RELEASED, NOT_FOUND when it was deleted since.
        """
        with self._database.autocommit() as connection:
            view = load_trade(connection, trade)
            _check(view, account, delivery)
            row = find_package(connection, trade, delivery)
        if row is None or row.state not in WHOLE:
            raise _gone()
        return Package(trade, delivery, row.size, row.root, row.object_name, buyer=view.role(account) == "buyer")

    def read(self, package: Package, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the bytes ``start`` up to ``stop`` (exclusive; default the end) in pieces; the buyer is noted.

        Raises:
            MarketError: NOT_FOUND, STORE_UNAVAILABLE; at once, not at the first piece, as far as it is known then.
        """
        stop = package.size if stop is None else stop
        pieces = exactly(self._objects.read(package.object_name, start, stop), stop - start)
        # Looked at before anything is announced: what is not there is an answer then, and no broken download.
        first = next(pieces, b"")
        if package.buyer:
            self._note(package)
        return chain([first], pieces)

    def _note(self, package: Package) -> None:
        packages = tables.packages
        released = func.coalesce(packages.c.released_ms, self._clock())
        with self._database.autocommit() as connection:
            noted = connection.execute(
                update(packages)
                .where(
                    packages.c.trade == package.trade,
                    packages.c.delivery == package.delivery,
                    packages.c.state.in_(WHOLE),
                )
                .values(state="RELEASED", released_ms=released)
            )
        if noted.rowcount == 0:
            raise _gone()


def _check(view: TradeView, account: str, delivery: Delivery) -> None:
    if delivery is Delivery.FIRST and view.decides(account):
        return
    if view.role(account) != "buyer":
        raise MarketError(ErrorCode.WRONG_ACTOR, "only the buyer fetches the package, and who decides a dispute")
    if view.committed(delivery).relayed_at_ms is None or view.state is TradeState.REFUNDED:
        raise MarketError(ErrorCode.PACKAGE_NOT_RELEASED, f"no package is released in state {view.state}")


def _gone() -> MarketError:
    return MarketError(ErrorCode.NOT_FOUND, "the package is kept no longer")
