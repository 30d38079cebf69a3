"""Figures of the loops of a worker."""

from prometheus_client import Counter

from countermark.gateway.metrics.registry import Metrics


class LoopFigures:
    """Counts the turns of loops, by how they ended."""

    def __init__(self, metrics: Metrics) -> None:
        self._turns = Counter(
            "countermark_loop_turns",
            "Turns of the worker's loops, by how they ended",
            ["loop", "result"],
            registry=metrics.registry,
        )

    def announce(self, loop: str) -> None:
        """Show ``loop`` before its first turn ends: one that follows the ledger's blocks has a single long one."""
        for result in ("done", "failed"):
            self._turns.labels(loop, result)

    def count(self, loop: str, *, well: bool) -> None:
        """Count one turn."""
        self._turns.labels(loop, "done" if well else "failed").inc()
