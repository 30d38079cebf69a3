"""What this process makes of the requests in the outbox."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from countermark.gateway.metrics.buckets import OUTCOMES


class OutboxFigures:
    """`ports.OutboxMeter` for Prometheus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._retries = Counter(
            "countermark_transaction_retries",
            "Attempts that came to nothing and are followed by another, or rest, by why",
            ["code"],
            registry=registry,
        )
        # There before the first one, so that a rate is seen from the first one on.
        for code in ("MVCC_READ_CONFLICT", "PHANTOM_READ_CONFLICT", "outcome_unknown", "clock_skewed"):
            self._retries.labels(code)
        self._doubted = Counter(
            "countermark_outcomes_unknown",
            "Transactions that may have been ordered, and of which nobody said how they ended",
            registry=registry,
        )
        self._resolved = Counter(
            "countermark_outcomes_resolved",
            "Transactions that were in doubt, and of which the ledger has said how they ended",
            registry=registry,
        )
        self._seconds = Histogram(
            "countermark_transaction_seconds",
            "Time from a request's last attempt being saved until its outcome is known",
            ["function", "state"],
            registry=registry,
            buckets=OUTCOMES,
        )

    def retried(self, code: str) -> None:
        """See `ports.OutboxMeter`."""
        self._retries.labels(code).inc()

    def doubted(self) -> None:
        """See `ports.OutboxMeter`."""
        self._doubted.inc()

    def resolved(self) -> None:
        """See `ports.OutboxMeter`."""
        self._resolved.inc()

    def ended(self, function: str, state: str, seconds: float) -> None:
        """See `ports.OutboxMeter`."""
        self._seconds.labels(function, state.lower()).observe(seconds)
