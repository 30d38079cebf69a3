"""All figures of one process, and their text."""

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from countermark.gateway.metrics.calls import CallFigures
from countermark.gateway.metrics.outbox import OutboxFigures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The registry of one process: what its calls to the ledger and its outbox count, and what is added to it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = CallFigures(self.registry)
        self.outbox = OutboxFigures(self.registry)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def add(self, *collectors: Collector) -> None:
        """Add figures that are read when they are asked for."""
        for collector in collectors:
            self.registry.register(collector)

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)
