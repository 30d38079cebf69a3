"""Two traders who sell data to one another, to and fro, and do every step until it is done, whatever breaks.

They are the real client: a request whose answer was lost waits in the vault and is sent again; nothing else is known
from one try to the next. Now and then a trader's own process dies with the try.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from countermark.client import account, deliveries, listings, purchases, receiving, trades
from countermark.client.errors import ClientError
from countermark.client.http import FIRST_PAUSE_S
from tests.support.photographs import photograph
from tests.support.remote import RemoteTrader
from tests.support.sizes import size
from tests.support.whole_platform import Platform

T = TypeVar("T")

PRICE = 1_000
TERMS = listings.Terms(PRICE, {})
FRESH = size(4, 40)
"""Every so many trades of a lane begin with new data, and new money for the buyer; the others sell on."""

PATIENCE_S = 240.0
"""How long a trader goes on trying one step: no step may need a human."""

_DIES = 0.2
"""Share of failed tries with which the trader's process dies too."""


@dataclass(frozen=True)
class Begun:
    """A trade that has been paid for: which of its lane, and the data that the buyer is to get."""

    count: int
    trade: str
    photo: Path


class Lane:
    """Trades one after the other; `deposits` and `fees` are what its traders were given and paid for listings."""

    def __init__(self, platform: Platform, folder: Path, number: int, chance: random.Random) -> None:
        folder.mkdir()
        self._folder = folder
        self._number = number
        self._chance = chance
        self.pair = [RemoteTrader(platform, folder / name, 0) for name in ("one", "two")]
        self.deposits: Counter[str] = Counter()
        self.charged: Counter[str] = Counter()
        self.trades: list[str] = []
        self.listings: list[str] = []
        self.retries: Counter[str] = Counter()
        self._photo = folder
        self._pause = threading.Event()

    def trade(self) -> None:
        """Do one trade from the offer to the confirmation; afterwards the other one of the two owns the data."""
        count = len(self.trades)
        seller, buyer = self.pair if count % 2 == 0 else reversed(self.pair)
        self._finish(seller, buyer, self._begin(seller, buyer, fresh=count % FRESH == 0))

    def begin(self) -> "Begun":
        """Have new data paid for, and return the trade for `finish`."""
        return self._begin(*self.pair, fresh=True)

    def finish(self, begun: "Begun") -> None:
        """Bring a trade that was begun to its end."""
        self._finish(*self.pair, begun)

    def _begin(self, seller: RemoteTrader, buyer: RemoteTrader, *, fresh: bool) -> "Begun":
        count = len(self.trades)
        if fresh:
            self._offer(seller, count)
            self._fund(buyer, count)
        else:
            self._patiently(seller, lambda: listings.relist(seller.market, self.listings[-1], TERMS))
        trade = str(self._patiently(buyer, lambda: buyer.buy(self.listings[-1])))
        self.trades.append(trade)
        return Begun(count, trade, self._photo)

    def _finish(self, seller: RemoteTrader, buyer: RemoteTrader, begun: "Begun") -> None:
        trade = begun.trade
        self._patiently(seller, lambda: deliveries.charge(seller.market, seller.trade(trade)))
        self._patiently(seller, lambda: self._send(seller, trade))
        self._patiently(buyer, lambda: trades.await_state(buyer.market, trade, frozenset({"SENT"})))
        out = buyer.folder / f"bought-{begun.count}.jpg"
        received = self._patiently(buyer, lambda: self._fetch(buyer, trade, out))
        self._patiently(buyer, lambda: self._acknowledge(buyer, trade, received))
        self._patiently(buyer, lambda: trades.await_state(buyer.market, trade, frozenset({"MATCHED"})))
        self._patiently(buyer, lambda: purchases.confirm(buyer.market, trade))
        assert out.read_bytes() == begun.photo.read_bytes()

    def close(self) -> None:
        """Close the connections of both."""
        for trader in self.pair:
            trader.close()

    def _offer(self, seller: RemoteTrader, count: int) -> None:
        self._photo = photograph(self._folder / f"photo{count}.jpg", 100_000 * (self._number + 1) + count)
        fee = int(seller.market.config.management_fee)
        bond = int(seller.market.config.bond)
        # For the listing, and for the transaction fee and bond of this sale.
        self._pay_in(seller, fee + bond + PRICE, f"offer-{self._number}-{count}")
        made = self._patiently(
            seller, lambda: listings.create(seller.market, seller.vault, self._photo, TERMS, listings.Words())
        )
        listing = str(made.result["id"])
        self._patiently(seller, lambda: listings.charge(seller.market, listing))
        self.listings.append(listing)
        self.charged[seller.keys.address] += fee

    def _fund(self, buyer: RemoteTrader, count: int) -> None:
        self._pay_in(buyer, PRICE * 2 + int(buyer.market.config.bond), f"buy-{self._number}-{count}")

    def _pay_in(self, trader: RemoteTrader, amount: int, reference: str) -> None:
        self._patiently(trader, lambda: account.fund(trader.market, str(amount), reference))
        self.deposits[trader.keys.address] += amount

    @staticmethod
    def _send(seller: RemoteTrader, trade: str) -> None:
        resource = seller.trade(trade)
        if resource["state"] in ("FUNDED", "UPLOADED"):  # else the relay has it all, and the answer was lost
            deliveries.send(seller.market, seller.keys, seller.vault, resource, seller.folder)

    @staticmethod
    def _fetch(buyer: RemoteTrader, trade: str, out: Path) -> receiving.Received:
        return receiving.fetch(buyer.market, buyer.vault, buyer.trade(trade), out, buyer.folder / "downloads")

    @staticmethod
    def _acknowledge(buyer: RemoteTrader, trade: str, received: receiving.Received) -> None:
        purchases.acknowledge(buyer.market, buyer.keys, buyer.vault, buyer.trade(trade), received)

    def _patiently(self, trader: RemoteTrader, step: Callable[[], T]) -> T:
        """Try `step` again as long as nobody has refused it."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                return step()
            except ClientError as error:
                if not (error.retryable or error.undecided) or time.monotonic() > give_up:
                    raise
                self.retries[error.code] += 1
                if self._chance.random() < _DIES:
                    trader.reopen()
                # As a client's own requests do it: not every read pauses before it is tried again.
                self._pause.wait(FIRST_PAUSE_S)


class Market:
    """All lanes at once; `target` trades are begun, and more while `enough` says no."""

    def __init__(self, lanes: list[Lane], target: int) -> None:
        self._lanes = lanes
        self._target = target
        self._begun = 0
        self._changed = threading.Condition()
        self._enough = self._ended = False
        self.failures: list[BaseException] = []

    @property
    def begun(self) -> int:
        """How many trades have begun."""
        with self._changed:
            return self._begun

    def run(self) -> None:
        """Trade until `enough` was called and all trades that were to begin have ended."""
        threads = [threading.Thread(target=self._work, args=(lane,)) for lane in self._lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def enough(self) -> None:
        """Begin no more trades than were asked for at first."""
        with self._changed:
            self._enough = True

    def end(self) -> None:
        """Begin no more trades, unless `enough` was called before."""
        with self._changed:
            self._ended = not self._enough

    def wait_begun(self, count: int, timeout_s: float) -> bool:
        """Wait until `count` trades have begun; False when they have not by then, or a lane has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._begun >= count or self.failures, timeout_s)
            return self._begun >= count and not self.failures

    def _next(self) -> bool:
        with self._changed:
            if self.failures or self._ended or (self._enough and self._begun >= self._target):
                return False
            self._begun += 1
            self._changed.notify_all()
            return True

    def _work(self, lane: Lane) -> None:
        try:
            while self._next():
                lane.trade()
        except BaseException as error:  # of a thread of its own: the test raises it
            with self._changed:
                self.failures.append(error)
                self._changed.notify_all()
