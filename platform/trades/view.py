"""A trade's record, read from the projection and typed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, Row, select
from countermark.protocol import times
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import Actor, Remedy, TradeState, next_acts


class Delivery(StrEnum):
    """Which of the packages that a seller may send in a trade: the first, or in a dispute its remedy."""

    FIRST = "first"
    REMEDY = "remedy"


@dataclass(frozen=True, slots=True)
class Committed:
    """What the ledger says of a package; ``notice`` is the digest of the seller's notice that came with it.

    ``relayed_at_ms`` is the platform's receipt time of the complete package, None until `trade.relay` has committed.
    """

    root: str = ""
    size: int = 0
    notice: str = ""
    relayed_at_ms: int | None = None


_NOTHING = Committed()


@dataclass(frozen=True, slots=True)
class TradeView:
    """How far a trade has come by the last block applied; digests are "" and times None while there are none."""

    id: str
    listing: str
    seller: str
    buyer: str
    state: TradeState
    outcome: str
    deadline_ms: int | None
    guard_s: int
    package_root: str
    package_size: int
    seller_notice: str
    buyer_notice: str
    verdict: str
    relayed_at_ms: int | None
    """The platform's receipt time of the complete package: the trade has been in SENT."""
    updated_at_ms: int
    arbiter: str
    substitute: str
    """Addresses of those who may decide a dispute, the one after the other."""
    disputed: bool
    decider: str
    """Who of them decides now: "arbiter", "substitute" or "", once it was decided who has."""
    openings: Mapping[str, str]
    """Digests of the buyer's sealed openings, by who may decide."""
    reasons: str
    """Digest of the decision's reasons."""
    remedy: Committed = _NOTHING

    @property
    def next_acts(self) -> Mapping[str, frozenset[Actor]]:
        """The functions that are possible now, with the roles that may call them."""
        stage = Remedy.NONE
        if self.remedy.root:
            stage = Remedy.COMMITTED if self.remedy.relayed_at_ms is None else Remedy.RELAYED
        return next_acts(self.state, remedy=stage, decider=Actor(self.decider) if self.decider else None)

    def committed(self, delivery: Delivery) -> Committed:
        """Return what the ledger says of the package of ``delivery``."""
        if delivery is Delivery.REMEDY:
            return self.remedy
        return Committed(self.package_root, self.package_size, self.seller_notice, self.relayed_at_ms)

    def role(self, account: str) -> str:
        """Return "seller" or "buyer"; of a trade that was disputed also "arbiter" or "substitute".

        Raises:
            MarketError: UNKNOWN_TRADE for anybody else: strangers do not learn that the trade exists.
        """
        roles = {self.seller: "seller", self.buyer: "buyer"}
        if self.disputed:
            roles = {self.arbiter: "arbiter", self.substitute: "substitute", **roles}
        if account not in roles:
            raise _unknown()
        return roles[account]

    def decides(self, account: str) -> bool:
        """Return whether ``account`` is the one who decides now.

        Raises:
            MarketError: UNKNOWN_TRADE for whoever has no part in the trade, whatever its state.
        """
        role = self.role(account)
        return self.state is TradeState.EVIDENCED and role == self.decider


def load_trade(connection: Connection, trade: str) -> TradeView:
    """Return the trade with this id.

    Raises:
        MarketError: UNKNOWN_TRADE.
    """
    row = connection.execute(select(tables.trades).where(tables.trades.c.id == trade)).one_or_none()
    if row is None:
        raise _unknown()
    return _view(row)


def trades_in(connection: Connection, *states: TradeState) -> Iterator[TradeView]:
    """Yield the trades that are in one of ``states``, the earliest deadline first."""
    trades = tables.trades
    query = (
        select(trades)
        .where(trades.c.state.in_([str(state) for state in states]))
        .order_by(trades.c.deadline_ms, trades.c.id)
    )
    yield from map(_view, connection.execute(query))


def _unknown() -> MarketError:
    return MarketError(ErrorCode.UNKNOWN_TRADE, "there is no such trade")


def _view(row: Row[Any]) -> TradeView:
    record = row.record
    package = record["package"]
    return TradeView(
        id=row.id,
        listing=row.listing,
        seller=row.seller,
        buyer=row.buyer,
        state=TradeState(row.state),
        outcome=row.outcome,
        deadline_ms=row.deadline_ms,
        guard_s=record["guard"],
        package_root=package["root"] if package else "",
        package_size=package["size"] if package else 0,
        seller_notice=record["notices"]["seller"],
        buyer_notice=record["notices"]["buyer"],
        verdict=record["verdict"],
        relayed_at_ms=_moment(record["relayed_at"]),
        updated_at_ms=times.from_text(record["updated_at"]),
        arbiter=record["arbiter"]["account"],
        substitute=record["substitute"]["account"],
        disputed=record["dispute"] is not None,
        decider=record["decider"],
        openings=record["openings"] or {},
        reasons=(record["decision"] or {}).get("reasons", ""),
        remedy=_remedy(record["remedy"]),
    )


def _remedy(record: Mapping[str, Any] | None) -> Committed:
    if record is None:
        return _NOTHING
    return Committed(record["root"], record["size"], record["notice"], _moment(record["relayed_at"]))


def _moment(text: str) -> int | None:
    return times.from_text(text) if text else None
