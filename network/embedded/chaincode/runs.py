"""Runs of the chaincode that are under way on one stream, by channel and transaction id."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from countermark.network.embedded.chaincode.requests import Session
from countermark.network.embedded.errors import ExecutionError


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what answers its requests, and the future of its last message (COMPLETED or ERROR)."""

    channel: str
    tx_id: str
    session: Session = field(repr=False)
    future: "Future[Any]" = field(default_factory=Future, repr=False)


class Runs:
    """The runs of one stream; safe from any thread."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}
        self._closed: ExecutionError | None = None
        self._lock = threading.Lock()

    def add(self, run: Run) -> None:
        """Enter `run`.

        Raises:
            ExecutionError: The stream has ended, or the same transaction runs already: the stream could not tell the
                two apart.
        """
        with self._lock:
            if self._closed is not None:
                raise self._closed
            if (run.channel, run.tx_id) in self._runs:
                raise ExecutionError("already_running", f"txid {run.tx_id} is being executed already")
            self._runs[run.channel, run.tx_id] = run

    def get(self, channel: str, tx_id: str) -> Run | None:
        """Return the run of that transaction, if it is under way."""
        return self._runs.get((channel, tx_id))

    def pop(self, channel: str, tx_id: str) -> Run | None:
        """Return the run of that transaction, if it is under way, and take it out."""
        with self._lock:
            return self._runs.pop((channel, tx_id), None)

    def close(self, error: ExecutionError) -> None:
        """End every run with `error`, and refuse further ones with it."""
        with self._lock:
            runs, self._runs, self._closed = list(self._runs.values()), {}, error
        for run in runs:
            run.future.set_exception(error)
