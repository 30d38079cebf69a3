"""Rounds: so many clients make so many calls, and what that took."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.figures import median
from countermark.network.client import GatewayClient, LedgerError
from tests.support.fabric.purchases import Call


@dataclass(frozen=True)
class Round:
    """What one round took."""

    rate: float
    """Valid transactions a second."""
    latencies: list[float]
    """Seconds from the proposal to the commit, of each."""
    processor_ms: Mapping[str, float]
    """Per transaction, by kind of process."""
    failures: Counter[str]
    """By verdict or code."""


def run(
    client: GatewayClient, calls: Sequence[Call], clients: int, processor_s: Callable[[], Mapping[str, float]]
) -> Round:
    """Have `clients` threads, which begin together, make all `calls`, each once."""
    todo, lock = iter(calls), threading.Lock()
    start = threading.Barrier(clients + 1)
    latencies: list[float] = []
    failures: Counter[str] = Counter()

    def work() -> None:
        start.wait()
        while True:
            with lock:
                call = next(todo, None)
            if call is None:
                return
            before = time.perf_counter()
            try:
                endorsed = client.endorse(call.function, call.args)
                client.submit(endorsed.tx_id, endorsed.envelope)
                client.commit_status(endorsed.tx_id).check()
            except LedgerError as error:
                with lock:
                    failures[error.detail.split(" ")[0] or str(error.code)] += 1
            else:
                latencies.append(time.perf_counter() - before)

    with ThreadPoolExecutor(clients) as pool:
        working = [pool.submit(work) for _ in range(clients)]
        before = processor_s()
        start.wait()
        began = time.perf_counter()
        for one in working:
            one.result()
        taken = time.perf_counter() - began
        after = processor_s()
    spent = {kind: (after[kind] - before[kind]) * 1000 / len(calls) for kind in after}
    return Round(len(latencies) / taken, latencies, spent, failures)


def p95(values: Sequence[float]) -> float:
    """Return the value below which 95 of 100 of `values` are."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]


@dataclass(frozen=True)
class Summary:
    """Medians of several rounds of one kind."""

    rounds: Sequence[Round]

    @property
    def rate(self) -> float:
        return median([one.rate for one in self.rounds])

    @property
    def p50_s(self) -> float:
        return median([latency for one in self.rounds for latency in one.latencies])

    @property
    def p95_s(self) -> float:
        return p95([latency for one in self.rounds for latency in one.latencies])

    @property
    def failures(self) -> Counter[str]:
        return sum((one.failures for one in self.rounds), Counter())

    def processor_ms(self, kind: str) -> float:
        return median([one.processor_ms.get(kind, 0.0) for one in self.rounds])
