"""The report of series, for the platform and the supervisor: who tried how often at which registration, how near."""

from dataclasses import dataclass, field
from typing import Any

from countermark.platform.matching.gate import APPLICATION
from countermark.platform.matching.probes import Probes
from countermark.platform.matching.series import ALIKE, ATTEMPTS, Attempt, Series, series_of
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, and_, func, literal, or_, select, tuple_, union_all
from countermark.platform.views import cursors
from countermark.protocol import fields, times
from countermark.protocol.encoding import b64u, unb64u

LONGEST_LIST = 100
"""Most attempts of a series whose scores are told one by one, the newest; all are counted."""

_ACCOUNT, _TOGETHER = 0, 1


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """Series, the newest first, and the cursor of the next page, "" on the last."""

    series: tuple[Series, ...] = field(repr=False)
    cursor: str


def load_series(
    connection: Connection, probes: Probes, *, cursor: str = "", limit: int = cursors.LONGEST_PAGE
) -> SeriesPage:
    """Return a page of the series of the last month: of accounts, and of several that have one sponsor, or none.

    What several without a sponsor tried is shown where one of them applied: many may search for one thing.

    Raises:
        MarketError: MALFORMED_REQUEST for a cursor that cannot be; INTERNAL when a row was damaged.
    """
    table = tables.probes.c
    alike = func.count().filter(table.degree.in_([str(degree) for degree in ALIKE])) > 0
    several = and_(func.count() >= ATTEMPTS, alike)
    last_ms = func.max(table.at_ms).label("last_ms")
    applied = or_(table.sponsor != "", func.count().filter(table.kind == APPLICATION) > 0)
    found = union_all(
        select(last_ms, literal(_ACCOUNT).label("by"), table.account.label("who"), table.registration)
        .group_by(table.account, table.registration)
        .having(several),
        select(last_ms, literal(_TOGETHER).label("by"), table.sponsor.label("who"), table.registration)
        .group_by(table.sponsor, table.registration)
        .having(and_(several, func.count(table.account.distinct()) > 1, applied)),
    ).subquery()
    column = found.c
    query = select(found)
    place = (column.by, column.who, column.registration)
    if cursor:
        at_ms, by, who, registration = cursors.decode(
            cursor, fields.integer(0, 2**53 - 1), fields.integer(0, 1), fields.text(200), unb64u
        )
        query = query.where(
            or_(
                column.last_ms < at_ms,
                and_(
                    column.last_ms == at_ms, tuple_(*place) > tuple_(literal(by), literal(who), literal(registration))
                ),
            )
        )
    rows = connection.execute(query.order_by(column.last_ms.desc(), *place).limit(limit + 1)).all()
    series = []
    for row in rows[:limit]:
        whose = table.account if row.by == _ACCOUNT else table.sponsor
        attempts = probes.load(connection, and_(whose == row.who, table.registration == row.registration))
        # The database knows how many there were; the rule knows within how long.
        if (one := series_of(attempts)) is not None:
            series.append(one)
    following = ""
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.encode(last.last_ms, last.by, last.who, b64u(last.registration))
    return SeriesPage(tuple(series), following)


def to_json(series: Series) -> dict[str, Any]:
    """Return the report of one series; scores are decimal text, "" where an attempt was known by an earlier one."""
    first, last = series.attempts[0], series.attempts[-1]
    return {
        "accounts": series.accounts,
        "sponsor": last.sponsor,
        "listing": last.listing,
        "owner": last.owner,
        "attempts": len(series.attempts),
        "first": times.to_text(first.at_ms),
        "last": times.to_text(last.at_ms),
        "scores": [_score(attempt) for attempt in series.attempts[-LONGEST_LIST:]],
        "climbing": series.climbing,
        "caught": series.caught,
        "passed": series.passed,
        "cases": [attempt.case for attempt in series.attempts[-LONGEST_LIST:] if attempt.case],
    }


def _score(attempt: Attempt) -> str:
    return f"{attempt.score:.4f}" if attempt.score > 0 else ""
