"""Waiting for the ledger: streams for the next block, clients for the outcome of a transaction.

Everything here belongs to the event loop; the ordering thread hands over what it has committed.
"""

import asyncio
from collections.abc import Sequence

from countermark.network.embedded.committing import TransactionOutcome
from countermark.network.embedded.ledger.chain import Ledger


class Followers:
    """Everybody who waits for `ledger` to grow; told by `committed`, sent away by `close`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._height = ledger.height
        self._growing: asyncio.Future[None] | None = None
        self._waiting: dict[str, set[asyncio.Future[TransactionOutcome | None]]] = {}
        self._closed = False

    @property
    def height(self) -> int:
        """Number of blocks that have been committed and announced."""
        return self._height

    def committed(self, height: int, outcomes: Sequence[TransactionOutcome]) -> None:
        """Announce that the ledger has `height` blocks now, the last one with these outcomes."""
        self._height = height
        self._announce()
        for outcome in outcomes:
            for future in self._waiting.pop(outcome.tx_id, ()):
                if not future.done():
                    future.set_result(outcome)

    def close(self) -> None:
        """Send everybody away; nobody waits from now on."""
        self._closed = True
        self._announce()
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_result(None)
        self._waiting.clear()

    async def wait_block(self, number: int) -> bool:
        """Wait until block `number` is committed; False if the peer is stopping."""
        while self._height <= number and not self._closed:
            if self._growing is None:
                self._growing = asyncio.get_running_loop().create_future()
            # Shielded: one who goes away must not end the waiting of all others.
            await asyncio.shield(self._growing)
        return not self._closed

    async def outcome(self, tx_id: str) -> TransactionOutcome | None:
        """Wait until `tx_id` is committed and return how it ended; `None` if the peer is stopping."""
        row = self._ledger.transaction(tx_id)
        if row is not None and row.version[0] < self._height:
            return TransactionOutcome(tx_id, row.version[0], row.code)
        if self._closed:
            return None
        future: asyncio.Future[TransactionOutcome | None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(tx_id, set())
        waiting.add(future)
        try:
            return await future
        finally:
            waiting.discard(future)
            if not waiting and self._waiting.get(tx_id) is waiting:
                del self._waiting[tx_id]

    def _announce(self) -> None:
        growing, self._growing = self._growing, None
        if growing is not None:
            growing.set_result(None)
