"""Waiting for the ledger: streams for the next block, clients for the outcome of a transaction."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from countermark.network.embedded.committing import Outcome
from countermark.network.embedded.ledger.chain import Ledger


class Followers:
    """Everybody who waits for `ledger` to grow; told by `committed`, sent away by `close`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._grown = threading.Condition()
        self._waiting: dict[str, list[Future[Outcome | None]]] = {}
        self._height = ledger.height
        self._closed = False

    @property
    def height(self) -> int:
        """Number of blocks that have been committed and announced."""
        return self._height

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """Announce that the ledger has grown by a block with these outcomes."""
        with self._grown:
            self._height = self._ledger.height
            told = [(outcome, self._waiting.pop(outcome.tx_id, ())) for outcome in outcomes]
            self._grown.notify_all()
        for outcome, futures in told:
            for future in futures:
                future.set_result(outcome)

    def wake(self) -> None:
        """Have everybody who waits for a block look whether he still wants it."""
        with self._grown:
            self._grown.notify_all()

    def close(self) -> None:
        """Send everybody away; nobody waits from now on."""
        with self._grown:
            self._closed = True
            futures = [future for waiting in self._waiting.values() for future in waiting]
            self._waiting.clear()
            self._grown.notify_all()
        for future in futures:
            future.set_result(None)

    def wait_block(self, number: int, wanted: Callable[[], bool]) -> bool:
        """Wait until block `number` is committed; False if it is not `wanted` any more, or the peer is stopping."""
        with self._grown:
            self._grown.wait_for(lambda: self._height > number or self._closed or not wanted())
            return self._height > number and not self._closed and wanted()

    def outcome(self, tx_id: str) -> "Future[Outcome | None]":
        """Return a future of how `tx_id` ends; `None` if the peer is stopping. `forget` it if nobody waits for it."""
        future: Future[Outcome | None] = Future()
        with self._grown:
            row = self._ledger.transaction(tx_id)
            if row is not None and row.version[0] < self._height:
                future.set_result(Outcome(tx_id, row.version[0], row.code))
            elif self._closed:
                future.set_result(None)
            else:
                self._waiting.setdefault(tx_id, []).append(future)
        return future

    def forget(self, tx_id: str, future: "Future[Outcome | None]") -> None:
        """Stop waiting: `future` of `outcome(tx_id)` stays without a result."""
        with self._grown:
            waiting = self._waiting.get(tx_id, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._waiting.pop(tx_id, None)
