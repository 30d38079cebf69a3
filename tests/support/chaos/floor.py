"""Traders at work before a platform on a real network, and what must hold of it afterwards, whatever has died."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.chaos import bookkeeping
from tests.support.chaos.lanes import Lane, Market
from tests.support.market import PLATFORM, SUPERVISOR
from tests.support.whole_platform import Platform


class Floor:
    """Lanes of traders; they trade again and again, and are judged by all that they ever did."""

    def __init__(self, platform: Platform, folder: Path, chance: random.Random, *, lanes: int) -> None:
        self.platform = platform
        self.lanes = [Lane(platform, folder / f"lane{n}", n, random.Random(chance.random())) for n in range(lanes)]

    @contextmanager
    def trading(self, target: int) -> Iterator[Market]:
        """Trade for as long as the context lasts, and until `target` trades have ended."""
        market = Market(self.lanes, target=target)
        trading = threading.Thread(target=market.run)
        trading.start()
        try:
            yield market
            market.enough()
        finally:
            market.end()
            trading.join()
        assert market.failures == []

    @property
    def trades(self) -> int:
        """How many trades there were."""
        return sum(len(lane.trades) for lane in self.lanes)

    @property
    def retries(self) -> Counter[str]:
        """What traders were told when something did not work, which they then did again."""
        return sum((lane.retries for lane in self.lanes), Counter())

    def server_errors(self) -> list[str]:
        """Lines of the gateway's log about requests that it could not serve.

        Streams of events are few, and whom it gives none (503) asks again and again instead, and misses nothing.
        """
        lines = (self.platform.data / "logs" / "gateway.log").read_text().splitlines()
        records = [(line, json.loads(line)) for line in lines if line.startswith("{")]
        requests = [(line, one) for line, one in records if one["event"] == "request"]
        return [
            line
            for line, one in requests
            if one["status"] >= 500 and (one["route"], one["status"]) != ("/v1/events", 503)
        ]

    def check(self) -> None:
        """Everything has come to its end, once; the books are exact, and whoever saw a listing might."""
        bookkeeping.settle(self.platform)
        replay = bookkeeping.check(self.platform, self.lanes)
        bookkeeping.check_logs(self.platform)
        # Whoever endorses a listing sees what is private of it.
        seers = {
            msp_id
            for key, changes in replay.history.items()
            if key.startswith("listing/")
            for change in changes
            if change.transaction.function == "listing.create"
            for msp_id in change.endorsers
        }
        assert seers == {PLATFORM, SUPERVISOR}

    def close(self) -> None:
        for lane in self.lanes:
            lane.close()
