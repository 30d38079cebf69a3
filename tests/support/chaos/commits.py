"""When the transactions of trades commit, as any peer of a network tells first."""

import threading
import time
from collections.abc import Iterable

from countermark.network.blocks import Block
from countermark.network.client import ConnectionProfile, GatewayClient, LedgerError

_PAUSE_S = 0.2


class Commits:
    """Follows the blocks of each peer; a peer that is away is asked again."""

    def __init__(self, profiles: Iterable[ConnectionProfile]) -> None:
        self._clients = [GatewayClient(one) for one in profiles]
        self._changed = threading.Condition()
        self._newest: tuple[float, float] = (0.0, 0.0)
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._follow, args=(one,)) for one in self._clients]
        for thread in self._threads:
            thread.start()

    def wait_trade(self, since: float, timeout_s: float) -> float | None:
        """Return how long after `since` (`time.time`) the first transaction of a trade that was made after it had
        committed; None if none has within `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest[0] > since, timeout_s)
            made, committed = self._newest
        return committed - since if made > since else None

    def close(self) -> None:
        self._closed.set()
        for client in self._clients:
            client.close()
        for thread in self._threads:
            thread.join()

    def _follow(self, client: GatewayClient) -> None:
        number = 0
        while not self._closed.is_set():
            try:
                for block in client.blocks(number):
                    self._see(block)
                    number = block.number + 1
            except LedgerError:
                self._closed.wait(_PAUSE_S)

    def _see(self, block: Block) -> None:
        made = [one.timestamp_ms / 1000 for one in block.transactions if one.valid and _of_trade(one.function)]
        with self._changed:
            if made and max(made) > self._newest[0]:
                self._newest = (max(made), time.time())
                self._changed.notify_all()


def _of_trade(function: str) -> bool:
    return function.startswith("trade.")
