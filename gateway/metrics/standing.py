"""Where the platform stands, as database and ledger say when they are asked: the same from every process.

What cannot be read is left out, and `countermark_database_up` or `countermark_ledger_up` says why: an old figure
would look like a good one.
"""

import time
from collections.abc import Callable, Iterator
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from countermark.gateway.metrics.timely import Timely, wait
from countermark.platform.observing import figures
from countermark.platform.observing.figures import Figures
from countermark.platform.store.engine import Database

LONGEST_S = 4.0
"""How long a scrape waits for database and ledger: Prometheus waits 10 s for all of it."""


class Heights(Protocol):
    """The part of a ledger that tells how far it is."""

    def height(self, *, timeout_s: float = 2.0) -> int:
        """See `gateway.services.Chain`."""
        ...

    def dated_ms(self, number: int, *, timeout_s: float = 2.0) -> int | None:
        """See `gateway.services.Chain`."""
        ...


class Standing(Collector):
    """Figures that are read when they are asked for."""

    def __init__(self, database: Database, chain: Heights, clock: Callable[[], int]) -> None:
        """``clock`` gives the time in ms since the epoch."""
        self._database = database
        self._chain = chain
        self._clock = clock
        self._missing = 0
        self._tables = Timely("figures of the tables", self._read_tables)
        self._height = Timely("height of the ledger", chain.height)
        self._date = Timely("date of a block", self._read_date)

    def describe(self) -> Iterator[Metric]:
        """Return nothing: the registry would collect otherwise, before anybody has asked."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield all that can be read in time."""
        deadline = time.monotonic() + LONGEST_S
        reading = self._height.begin()  # neither waits for the other
        tables = wait(self._tables.begin(), deadline)
        height = wait(reading, deadline)
        yield _gauge("database_up", "Whether the database answers", tables is not None)
        yield _gauge("ledger_up", "Whether a peer answers", height is not None)
        if height is not None:
            yield _gauge("ledger_blocks", "Blocks of the ledger", height)
        if tables is not None:
            yield from _of_tables(tables)
        if tables is not None and height is not None:
            yield from self._lag(tables.blocks, height, deadline)

    def _lag(self, blocks: int, height: int, deadline: float) -> Iterator[Metric]:
        lag = max(height - blocks, 0)
        yield _gauge("projector_lag_blocks", "Blocks of the ledger that the tables do not show yet", lag)
        seconds = 0.0
        if lag:
            self._missing = blocks
            missing = wait(self._date.begin(), deadline)
            if missing is None or missing[0] != blocks:
                return  # not read in time, or what is read now was asked for earlier
            seconds = missing[1]
        yield _gauge("projector_lag_seconds", "Age of the oldest transaction that they do not show yet", seconds)

    def _read_tables(self) -> Figures:
        with self._database.autocommit() as connection:
            return figures.read(connection, now_ms=self._clock())

    def _read_date(self) -> tuple[int, float]:
        """Return the number of the first block that the tables do not have, and the age of what it holds."""
        number = self._missing
        dated_ms = self._chain.dated_ms(number)
        return number, 0.0 if dated_ms is None else max(self._clock() - dated_ms, 0) / 1000


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"countermark_{name}", text, value)


def _labelled(name: str, text: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"countermark_{name}", text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _of_tables(now: Figures) -> Iterator[Metric]:
    yield _gauge("projected_blocks", "Blocks applied to the tables", now.blocks)
    yield _gauge("open_transactions", "Transactions without an outcome", now.open_transactions)
    yield _gauge(
        "outbox_oldest_age_seconds", "Age of the oldest request without an outcome", now.oldest_open_ms / 1000
    )
    yield _gauge(
        "unresolved_outcomes",
        "Transactions that may have been ordered, and whose outcome was asked for in vain",
        now.unresolved_outcomes,
    )
    yield _gauge("unanchored_entries", "Entries of the board without an anchor", now.unanchored_entries)
    yield _gauge(
        "unanchored_oldest_age_seconds", "Age of the oldest of these entries", now.oldest_unanchored_ms / 1000
    )
    yield _gauge(
        "anchor_overdue_seconds", "For how long its receipt's promise has been broken", now.anchor_overdue_ms / 1000
    )
    yield _labelled("webhooks", "Webhooks, by how they stand", "state", dict(now.webhooks))
    yield _labelled("running_trades", "Trades that have not ended", "state", dict(now.trades))
    packages = now.packages.items()
    yield _labelled(
        "packages", "Packages of running trades", "state", {state.lower(): one.count for state, one in packages}
    )
    yield _labelled(
        "package_bytes", "Bytes of these packages", "state", {state.lower(): one.size for state, one in packages}
    )
    kinds = now.deadlines.items()
    yield _labelled("deadlines_pending", "Deadlines that run", "kind", {kind: one.pending for kind, one in kinds})
    yield _labelled(
        "deadlines_overdue", "Deadlines that can be enforced", "kind", {kind: one.overdue for kind, one in kinds}
    )
    yield _labelled(
        "deadline_overdue_seconds",
        "For how long the first of these could have been enforced",
        "kind",
        {kind: one.longest_overdue_ms / 1000 for kind, one in kinds},
    )
