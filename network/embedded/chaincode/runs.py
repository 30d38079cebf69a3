"""Runs of the chaincode that are under way on one stream, by channel and transaction id."""

import asyncio
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
    future: "asyncio.Future[Any]" = field(repr=False)


class Runs:
    """The runs of one stream."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}

    def add(self, run: Run) -> None:
        """Enter `run`.

        Raises:
            ExecutionError: The same transaction runs already: the stream could not tell the two apart.
        """
        if (run.channel, run.tx_id) in self._runs:
            raise ExecutionError("already_running", f"txid {run.tx_id} is being executed already")
        self._runs[run.channel, run.tx_id] = run

    def get(self, channel: str, tx_id: str) -> Run | None:
        """Return the run of that transaction, if it is under way."""
        return self._runs.get((channel, tx_id))

    def discard(self, run: Run) -> None:
        """Take `run` out, if it is in."""
        self._runs.pop((run.channel, run.tx_id), None)

    def fail_all(self, error: ExecutionError) -> None:
        """End every run with `error`."""
        for run in self._runs.values():
            if not run.future.done():
                run.future.set_exception(error)
