"""Figures of the requests that a gateway answers."""

from collections.abc import Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from countermark.gateway.events import EventStreams
from countermark.gateway.metrics.buckets import ANSWERS
from countermark.gateway.metrics.registry import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that get a figure of their own; a client may invent any number of others."""


class RequestFigures:
    """Counts the answers of one application."""

    def __init__(self, metrics: Metrics, streams: EventStreams) -> None:
        self._requests = Counter(
            "countermark_requests", "Requests answered", ["method", "route", "status"], registry=metrics.registry
        )
        self._seconds = Histogram(
            "countermark_request_seconds",
            "Time until the answer's first byte",
            ["method", "route"],
            registry=metrics.registry,
            buckets=ANSWERS,
        )
        metrics.add(_Streams(streams))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; ``route`` is the rule that matched, with its parameters' names."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class _Streams(Collector):
    def __init__(self, streams: EventStreams) -> None:
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("countermark_event_streams", "Open event streams", self._streams.running)
