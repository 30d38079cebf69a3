"""Measure trades over HTTPS on a whole platform, `countermark up`, with the clients of `countermark.client`.

python -m bench.trades [--payments 30] [--listings 128] [--clients 32] [--trades 5]

* one payment after the other: the buyer looks at the listing and pays, until he is told that it has committed;
* many clients, each a buyer and a seller: `trade.pay` and `trade.charge`, as many a second as commit;
* whole trades of a photograph of 1 MB, steps (9) to (24): the buyer looks, pays, the seller accepts, encrypts and
  uploads, the platform relays, the buyer fetches, opens, compares and confirms.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.figures import Figure, median, note, show, spread
from bench.processes import in_words, readings, spent
from countermark.client import deliveries, trades
from tests.support.photographs import photograph
from tests.support.remote import RemoteTrader
from tests.support.whole_platform import Platform

PRICE = 1_000
MEGABYTE = 1_000_000


def large_photograph(path: Path, seed: int) -> Path:
    """Write a grainy picture of about 1 MB that resembles no other seed's."""
    random = np.random.default_rng(seed)
    with Image.open(photograph(path, seed)) as small:
        pixels = np.asarray(small.resize((1488, 1116), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = random.integers(-24, 25, pixels.shape)
    Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)).save(path, quality=95)
    return path


def whole_trade(seller: RemoteTrader, buyer: RemoteTrader, listing: str, out: Path) -> float:
    """Buy, deliver, fetch and confirm, steps (9) to (24), and return how long that took, in seconds."""
    before = time.perf_counter()
    paid = buyer.buy(listing)
    seller.deliver(paid)
    trades.await_state(buyer.market, paid, frozenset({"SENT"}))
    buyer.take(paid, out)
    trades.await_state(buyer.market, paid, frozenset({"MATCHED"}))
    buyer.confirm(paid)
    return time.perf_counter() - before


@dataclass(frozen=True)
class Bazaar:
    """Traders who know one platform, and the folder in which their files lie."""

    platform: Platform
    folder: Path

    def traders(self, kind: str, count: int, money: int) -> list[RemoteTrader]:
        with ThreadPoolExecutor(8) as pool:
            folders = [self.folder / f"{kind}{number}" for number in range(count)]
            return list(pool.map(lambda folder: RemoteTrader(self.platform, folder, money), folders))

    def offer(self, sellers: Sequence[RemoteTrader], count: int, *, first: int) -> list[str]:
        """Put `count` photographs, numbered from `first` on, on the market, in turn by all sellers."""

        def one(number: int) -> str:
            photo = photograph(self.folder / f"photo{first + number}.jpg", first + number)
            return sellers[number % len(sellers)].put_on_market(photo, PRICE)

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(one, range(count)))


def payments(bazaar: Bazaar, count: int) -> list[float]:
    """Return the seconds of each of `count` payments, one after the other: the buyer's client looks and pays."""
    (seller,) = bazaar.traders("alone-seller", 1, 100_000)
    (buyer,) = bazaar.traders("alone-buyer", 1, count * 2 * PRICE)
    taken = []
    for listing in bazaar.offer([seller], count, first=1_000_000):
        before = time.perf_counter()
        buyer.buy(listing)
        taken.append(time.perf_counter() - before)
    return taken


def together(bazaar: Bazaar, listings: int, clients: int) -> float:
    """Return how many trade transactions a second commit when `clients` pairs trade at once."""
    sellers = bazaar.traders("seller", clients, 10_000)
    buyers = bazaar.traders("buyer", clients, 2 * PRICE * -(-listings // clients))
    offered = bazaar.offer(sellers, listings, first=2_000_000)

    def pair(number: int) -> int:
        done = 0
        for listing in offered[number::clients]:
            trade = buyers[number].buy(listing)
            deliveries.charge(sellers[number].market, sellers[number].trade(trade))
            done += 2
        return done

    assert bazaar.platform.process is not None
    before, began = readings(bazaar.platform.process.pid), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        transactions = sum(pool.map(pair, range(clients)))
    rate = transactions / (time.perf_counter() - began)
    note(in_words(spent(before, readings(bazaar.platform.process.pid), transactions)))
    return rate


def whole_trades(bazaar: Bazaar, count: int) -> list[float]:
    """Return the seconds of each of `count` whole trades of 1 MB, steps (9) to (24)."""
    (seller,) = bazaar.traders("whole-seller", 1, 100_000)
    (buyer,) = bazaar.traders("whole-buyer", 1, count * 2 * PRICE)
    photos = [large_photograph(bazaar.folder / f"large{number}.jpg", 3_000_000 + number) for number in range(count)]
    note(f"photographs of {median([photo.stat().st_size for photo in photos]) / MEGABYTE:.2f} MB")
    offered = [seller.put_on_market(photo, PRICE) for photo in photos]
    return [
        whole_trade(seller, buyer, listing, bazaar.folder / f"received{number}.jpg")
        for number, listing in enumerate(offered)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=30, help="payments one after the other")
    parser.add_argument("--listings", type=int, default=128, help="listings that are paid for by all clients")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--trades", type=int, default=5, help="whole trades")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as folder:
        platform = Platform(Path(folder) / "market")
        platform.start()
        try:
            bazaar = Bazaar(platform, Path(folder))
            single = payments(bazaar, options.payments)
            note(f"payments over HTTPS, one client: {spread(single)}")
            whole = whole_trades(bazaar, options.trades)
            note(f"whole trades of 1 MB: {spread(whole)}")
            rate = together(bazaar, options.listings, options.clients)
        finally:
            platform.stop()
            platform.discard()
    show(
        Figure("a look and `trade.pay` over HTTPS, one client, p50", median(single) * 1000, "ms", 80),
        Figure(f"trade transactions over HTTPS, {options.clients} clients", rate, "a second", 50, at_least=True),
        Figure("whole trade of a photograph of 1 MB, steps (9)-(24), median", median(whole), "s", 1.5),
    )


if __name__ == "__main__":
    main()
