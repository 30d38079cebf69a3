"""Compare payments in contracts with what was transmitted (R76): ledger, board and relay side by side.

The paper's periodic comparison finds the seller who was paid and sent nothing; the contracts know that deadline
themselves, so an overdue trade is refunded through the watchdog's call. What else does not fit together is a fault
of this platform or an attack on its tables, and is reported.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from countermark.platform.jobs.acts import Acting
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.relay.packages import WHOLE
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, select
from countermark.platform.trades import Delivery, TradeView, trades_in
from countermark.protocol.transitions import TradeState

log = logging.getLogger(__name__)

COMPARED = tuple(state for state in TradeState if not state.final)


class Discrepancy(StrEnum):
    """What does not fit together; the first is a party's doing, the others are not to be."""

    NOT_TRANSMITTED = "not_transmitted"  # paid for, and no transmission by the deadline
    NOTICE_MISSING = "notice_missing"  # the ledger names a notice that is not on the board
    PACKAGE_MISSING = "package_missing"  # relayed by the ledger's word, and not here
    PACKAGE_DIFFERS = "package_differs"  # here, complete, and not the one that was committed to


@dataclass(frozen=True, slots=True)
class Transmission:
    """What board and relay know of a trade."""

    notices: frozenset[str]
    """Digests of the trade's notices on the board."""
    package_root: str
    """Root of the complete package, "" when there is none."""
    remedy_root: str = ""
    """The same of the remedy's package."""

    def root(self, delivery: Delivery) -> str:
        """Return the root of the complete package of ``delivery``, "" when there is none."""
        return self.remedy_root if delivery is Delivery.REMEDY else self.package_root


@dataclass(frozen=True, slots=True)
class Finding:
    """A discrepancy of one trade."""

    trade: str
    discrepancy: Discrepancy


def compare(trade: TradeView, transmission: Transmission, now_ms: int) -> Iterator[Discrepancy]:
    """Yield what does not fit together between a paid trade and its transmission at ``now_ms``."""
    overdue = trade.deadline_ms is not None and now_ms >= trade.deadline_ms + trade.guard_s * 1000
    if trade.relayed_at_ms is None and trade.state is not TradeState.PAID and overdue:
        yield Discrepancy.NOT_TRANSMITTED
    named = {digest for digest in (trade.seller_notice, trade.buyer_notice, trade.remedy.notice) if digest}
    if not named <= transmission.notices:
        yield Discrepancy.NOTICE_MISSING
    for delivery in Delivery:
        committed, root = trade.committed(delivery), transmission.root(delivery)
        if root and committed.root and root != committed.root:
            yield Discrepancy.PACKAGE_DIFFERS
        if committed.relayed_at_ms is not None and not root:
            yield Discrepancy.PACKAGE_MISSING


class ComparisonJob(LeasedJob[Finding]):
    """Compares every trade that holds money, enforces what is overdue and reports the rest."""

    name: ClassVar[str] = "comparison"

    def __init__(self, acting: Acting) -> None:
        super().__init__(acting.database)
        self._acting = acting

    def find(self) -> Iterable[Finding]:
        """Return all discrepancies of running trades."""
        now_ms = self._acting.clock()
        with self.database.begin() as connection:
            return [
                Finding(trade.id, discrepancy)
                for trade in list(trades_in(connection, *COMPARED))
                for discrepancy in compare(trade, _transmission(connection, trade.id), now_ms)
            ]

    def handle(self, item: Finding) -> bool:
        """Refund what was not transmitted in time; report everything else."""
        if item.discrepancy is Discrepancy.NOT_TRANSMITTED:
            return self._acting.call("trade.enforce", item.trade)
        log.error("trade %s: %s", item.trade, item.discrepancy)
        return False

    def describe(self, item: Finding) -> str:
        """Return the trade's id and the discrepancy."""
        return f"{item.trade} {item.discrepancy}"

    def trade(self, item: Finding) -> str:
        """Return the trade's id."""
        return item.trade


def _transmission(connection: Connection, trade: str) -> Transmission:
    board, packages = tables.board, tables.packages
    digests = connection.execute(select(board.c.digest).where(board.c.trade == trade)).scalars()
    query = select(packages.c.delivery, packages.c.root).where(packages.c.trade == trade, packages.c.state.in_(WHOLE))
    roots = {row.delivery: row.root for row in connection.execute(query)}
    return Transmission(
        frozenset(digests), roots.get(Delivery.FIRST) or "", remedy_root=roots.get(Delivery.REMEDY) or ""
    )
