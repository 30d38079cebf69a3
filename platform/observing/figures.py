"""The state of the platform's work in numbers, as its tables have it: two statements, whatever their size."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from countermark.platform.deadlines.due import enforceable_ms
from countermark.platform.store import clock, tables
from countermark.platform.store.outbox.entry import OPEN_STATES, State
from countermark.platform.store.sql import (
    ColumnElement,
    Connection,
    Table,
    Text,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

_MAY_HAVE_LEFT = (State.ENDORSED, State.SUBMITTED)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Deadlines of one kind of thing: all that run, those that can be enforced, the longest of these in ms."""

    pending: int = 0
    overdue: int = 0
    longest_overdue_ms: int = 0


@dataclass(frozen=True, slots=True)
class Packages:
    """Packages of running trades in one state."""

    count: int
    size: int
    """Bytes of all of them."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is under way, and for how long; ages in ms, 0 where there is nothing.

    Attributes:
        blocks: Blocks applied.
        open_transactions: Rows of the outbox without an outcome.
        oldest_open_ms: Age of the request that has waited longest, counted from its first attempt.
        unresolved_outcomes: Rows whose envelope may have left, and of which nobody could say how they ended.
        unanchored_entries: Entries of the board under no anchor.
        oldest_unanchored_ms: Age of the first of them.
        anchor_overdue_ms: For how long its receipt's promise has been broken.
        webhooks: Webhooks that work, that have something to be told, and that were given up.
        trades: Running trades by state.
        packages: Packages of running trades by state.
        deadlines: By what they are of: `trade`, `listing`, `redemption`.
    """

    blocks: int
    open_transactions: int
    oldest_open_ms: int
    unresolved_outcomes: int
    unanchored_entries: int
    oldest_unanchored_ms: int
    anchor_overdue_ms: int
    webhooks: Mapping[str, int]
    trades: Mapping[str, int]
    packages: Mapping[str, Packages]
    deadlines: Mapping[str, Deadlines]


_DEADLINES: Mapping[str, Table] = {
    "trade": tables.trades,
    "listing": tables.data_contracts,
    "redemption": tables.redemptions,
}


def read(connection: Connection, *, now_ms: int) -> Figures:
    """Return the figures; ``now_ms`` judges the deadlines and promises of the ledger and the board."""
    row = connection.execute(select(*_single(now_ms))).one()
    groups: dict[str, dict[str, tuple[int, int, int]]] = {}
    for family, name, *numbers in connection.execute(union_all(*_grouped(now_ms))):
        groups.setdefault(family, {})[name] = (int(numbers[0]), int(numbers[1]), int(numbers[2]))
    return Figures(
        **{name: int(value) for name, value in row._mapping.items() if not name.startswith("webhooks_")},
        webhooks={name: int(row._mapping[f"webhooks_{name}"]) for name in ("active", "waiting", "disabled")},
        trades={name: count for name, (count, _, _) in groups.get("trades", {}).items()},
        packages={name: Packages(count, size) for name, (count, size, _) in groups.get("packages", {}).items()},
        deadlines={name: Deadlines(*groups["deadlines"][name]) for name in _DEADLINES},
    )


def _single(now_ms: int) -> Iterator[ColumnElement[Any]]:
    """Yield a scalar for each figure that is one number."""
    outbox, board, webhooks = tables.outbox, tables.board, tables.webhooks
    is_open = outbox.c.state.in_(OPEN_STATES)
    yield _or_zero(select(tables.checkpoint.c.block_number + 1)).label("blocks")
    yield _count(outbox, is_open).label("open_transactions")
    # Of any attempt of those requests: the last one may be young, and whoever asked has waited since the first.
    other = outbox.alias()
    waiting = select(other.c.request_id).where(other.c.state.in_(OPEN_STATES))
    first = select(func.min(outbox.c.created_ms)).where(outbox.c.request_id.in_(waiting))
    yield _age(clock.now(), first).label("oldest_open_ms")
    doubted = outbox.c.state.in_(_MAY_HAVE_LEFT) & (outbox.c.tries > 0)
    yield _count(outbox, doubted).label("unresolved_outcomes")
    anchored = _or_zero(select(func.max(tables.anchors.c.size)))
    size = _or_zero(select(tables.board_head.c.size))
    yield func.greatest(size - anchored, 0).label("unanchored_entries")
    oldest = board.c.seq == anchored
    now = literal(now_ms)
    yield _age(now, select(board.c.received_at_ms).where(oldest)).label("oldest_unanchored_ms")
    yield _age(now, select(board.c.anchored_by_ms).where(oldest)).label("anchor_overdue_ms")
    # As the index of what is due has it, which holds no other rows.
    active = webhooks.c.state == literal_column("'ACTIVE'")
    yield _count(webhooks, active).label("webhooks_active")
    yield _count(webhooks, active & (webhooks.c.news > webhooks.c.position)).label("webhooks_waiting")
    yield _count(webhooks, webhooks.c.state == "DISABLED").label("webhooks_disabled")


def _grouped(now_ms: int) -> Iterator[Any]:
    """Yield queries of the form family, name, three numbers; all by the partial indexes of what runs."""
    trades, packages = tables.trades, tables.packages
    running, zero = trades.c.deadline_ms.is_not(None), literal(0)
    yield (select(_text("trades"), trades.c.state, func.count(), zero, zero).where(running).group_by(trades.c.state))
    yield (
        select(_text("packages"), packages.c.state, func.count(), func.sum(packages.c.size), zero)
        .join(trades, trades.c.id == packages.c.trade)
        .where(running)
        .group_by(packages.c.state)
    )
    for name, table in _DEADLINES.items():
        enforceable = enforceable_ms(table)
        # The first condition is what the index of what is due can answer.
        late = (table.c.deadline_ms <= now_ms) & (enforceable <= now_ms)
        yield select(
            _text("deadlines"),
            _text(name),
            _count(table, table.c.deadline_ms.is_not(None)),
            _count(table, late),
            _age(literal(now_ms), select(func.min(enforceable)).where(late)),
        )


def _text(value: str) -> ColumnElement[str]:
    return literal(value, Text)


def _count(table: Table, condition: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).select_from(table).where(condition).scalar_subquery()


def _or_zero(query: Any) -> ColumnElement[int]:
    return func.coalesce(query.scalar_subquery(), 0)


def _age(now: ColumnElement[int], since: Any) -> ColumnElement[int]:
    """Return how long ago it was, 0 where that lies ahead or nothing is there."""
    return func.coalesce(func.greatest(now - since.scalar_subquery(), 0), 0)
