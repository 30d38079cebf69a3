"""How long the ledger takes to answer, and what."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram

from countermark.gateway.metrics.buckets import ANSWERS
from countermark.platform.ports import (
    CommitStatus,
    Endorsed,
    Ledger,
    LedgerError,
    OutcomeUnknownError,
    Prepared,
    RefusedError,
    UnavailableError,
)
from countermark.protocol.retries import Phase

_RESULTS: tuple[tuple[type[LedgerError], str], ...] = (
    (RefusedError, "refused"),
    (UnavailableError, "unavailable"),
    (OutcomeUnknownError, "unknown"),
)


class CallFigures:
    """Figures of the calls that make up a transaction, by phase."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "countermark_ledger_call_seconds",
            "Time that a call to the ledger takes; of commit_status, until a block holds the transaction",
            ["phase"],
            registry=registry,
            buckets=ANSWERS,
        )
        self._calls = Counter(
            "countermark_ledger_calls",
            "Calls to the ledger, by how they ended",
            ["phase", "result"],
            registry=registry,
        )

    @contextmanager
    def measure(self, phase: Phase) -> Iterator[None]:
        """Count and time the call that is made within the block."""
        began, result = time.monotonic(), "failed"
        try:
            yield
            result = "answered"
        except LedgerError as error:
            result = next((name for kind, name in _RESULTS if isinstance(error, kind)), result)
            raise
        finally:
            self._seconds.labels(phase).observe(time.monotonic() - began)
            self._calls.labels(phase, result).inc()


class MeteredLedger:
    """`ports.Ledger` that is measured on its way to ``ledger``."""

    def __init__(self, ledger: Ledger, calls: CallFigures) -> None:
        self._ledger = ledger
        self._calls = calls

    def evaluate(
        self,
        function: str,
        args: Sequence[bytes],
        *,
        transient: Mapping[str, bytes] | None = None,
        timeout_s: float = 10.0,
    ) -> bytes:
        """See `ports.Ledger`."""
        with self._calls.measure(Phase.EVALUATE):
            return self._ledger.evaluate(function, args, transient=transient, timeout_s=timeout_s)

    def prepare(
        self, function: str, args: Sequence[bytes], *, transient: Mapping[str, bytes] | None = None
    ) -> Prepared:
        """See `ports.Ledger`; it asks nobody."""
        return self._ledger.prepare(function, args, transient=transient)

    def endorse(self, prepared: Prepared, *, organisations: Sequence[str] = (), timeout_s: float = 10.0) -> Endorsed:
        """See `ports.Ledger`."""
        with self._calls.measure(Phase.ENDORSE):
            return self._ledger.endorse(prepared, organisations=organisations, timeout_s=timeout_s)

    def submit(self, tx_id: str, envelope: bytes, *, timeout_s: float = 10.0) -> None:
        """See `ports.Ledger`."""
        with self._calls.measure(Phase.SUBMIT):
            self._ledger.submit(tx_id, envelope, timeout_s=timeout_s)

    def commit_status(self, tx_id: str, *, timeout_s: float = 10.0) -> CommitStatus:
        """See `ports.Ledger`."""
        with self._calls.measure(Phase.COMMIT_STATUS):
            return self._ledger.commit_status(tx_id, timeout_s=timeout_s)
