"""Figures of one gateway process for Prometheus; labels are routes and codes, never ids."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from countermark.gateway.events import EventStreams
from countermark.platform.store.engine import Database
from countermark.platform.views import progress
from countermark.protocol.errors import MarketError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that get a figure of their own; a client may invent any number of others."""

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class _Tables(Collector):
    """Figures that are read when they are asked for."""

    def __init__(self, database: Database, streams: EventStreams) -> None:
        self._database = database
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("countermark_event_streams", "Open event streams", self._streams.running)
        try:
            with self._database.begin() as connection:
                height, backlog = progress.height(connection), progress.backlog(connection)
        except MarketError:
            yield GaugeMetricFamily("countermark_database_up", "Whether the database answers", 0)
            return
        yield GaugeMetricFamily("countermark_database_up", "Whether the database answers", 1)
        yield GaugeMetricFamily("countermark_projected_blocks", "Blocks applied to the tables", height)
        yield GaugeMetricFamily(
            "countermark_open_transactions", "Transactions without an outcome", backlog.open_transactions
        )
        yield GaugeMetricFamily(
            "countermark_unanchored_entries", "Entries of the board without an anchor", backlog.unanchored_entries
        )

    def describe(self) -> Iterator[Metric]:
        # Without this the registry would call `collect`, and with it the database, before anybody has asked.
        return iter(())


class Metrics:
    """The registry of one application."""

    def __init__(self, *, database: Database, streams: EventStreams) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Tables(database, streams))
        self._requests = Counter(
            "countermark_requests", "Requests answered", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "countermark_request_seconds",
            "Time until the answer's first byte",
            ["method", "route"],
            registry=self._registry,
            buckets=_BUCKETS,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; ``route`` is the rule that matched, with its parameters' names."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry)
