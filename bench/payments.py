"""Measure `trade.pay` by `network/client` on the embedded peer: one client after the other, and 32 at once.

python -m bench.payments [--alone 100] [--together 640] [--clients 32]

Peer and chaincode run in processes of their own with the settings of `countermark up`. Each payment is a new intent
for a listing of its own with coins of its own: prepared, endorsed, submitted, and waited for until it has committed.
"""

import argparse
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.figures import Figure, median, note, show, spread
from bench.processes import in_words, readings, spent
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.embedded.material import ORGANISATIONS
from countermark.protocol import canonical
from tests.support.embedded import EmbeddedNetwork
from tests.support.embedded_backend import SERVER
from tests.support.gateway_backend import OverGateways
from tests.support.market import BOND, PRICE, TRADER, Market


class Payments:
    """A market on a fresh ledger with prepared purchases: arguments of `trade.pay`, one for each listing."""

    def __init__(self, network: EmbeddedNetwork) -> None:
        profiles: dict[str, ConnectionProfile] = {msp: network.profile(name) for name, msp in ORGANISATIONS}
        self.clients = {(msp, "client"): GatewayClient(profile) for msp, profile in profiles.items()}
        self.market = Market(OverGateways(self.clients, live=True))
        self._listings = itertools.count()

    def prepare(self, count: int, threads: int = 16) -> list[tuple[str, str]]:
        """Return `count` purchases, each signed and with exact coins."""
        market = self.market

        def one(number: int) -> tuple[str, str]:
            listing = market.list_data(data=b"data of listing %d" % number)["id"]
            params = market.pay_params(listing)
            coins = canonical.dumps(market.fund(market.buyer, PRICE + BOND)).decode()
            return market.sign(market.buyer, "trade.pay", params), coins

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, itertools.islice(self._listings, count)))

    def pay(self, purchase: tuple[str, str]) -> float:
        """Make one purchase and return how long it took until it had committed, in seconds."""
        before = time.perf_counter()
        self.market.backend.submit(TRADER, "trade.pay", *purchase)
        return time.perf_counter() - before

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


def alone(payments: Payments, count: int) -> list[float]:
    """Return the seconds of each of `count` purchases, one after the other."""
    purchases = payments.prepare(count + 10)
    for purchase in purchases[:10]:
        payments.pay(purchase)
    return [payments.pay(purchase) for purchase in purchases[10:]]


def together(payments: Payments, purchases: Iterator[tuple[str, str]], clients: int) -> tuple[float, list[float]]:
    """Return how many `purchases` a second `clients` threads make that start at once, and the seconds of each."""
    lock, start, taken = threading.Lock(), threading.Barrier(clients + 1), []

    def client() -> None:
        start.wait()
        while True:
            with lock:
                purchase = next(purchases, None)
            if purchase is None:
                return
            taken.append(payments.pay(purchase))

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(client) for _ in range(clients)]
        start.wait()
        before = time.perf_counter()
        for one in running:
            one.result()
        return len(taken) / (time.perf_counter() - before), taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alone", type=int, default=100, help="purchases one after the other")
    parser.add_argument("--together", type=int, default=640, help="purchases by all clients")
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as folder:
        network = EmbeddedNetwork(Path(folder), script=SERVER)
        try:
            network.start()
            payments = Payments(network)
            single = alone(payments, options.alone)
            note(f"one client: {spread(single)}")
            purchases = payments.prepare(options.together)
            before = readings(os.getpid())
            rate, many = together(payments, iter(purchases), options.clients)
            note(f"{options.clients} clients: {spread(many)}")
            each = spent(before, readings(os.getpid()), options.together)
            note(in_words(each))
            payments.close()
        finally:
            network.close()
    show(
        Figure("`trade.pay` by `network/client`, one client, p50", median(single) * 1000, "ms", 40),
        Figure(f"`trade.pay` by `network/client`, {options.clients} clients", rate, "a second", 150, at_least=True),
        # Two organisations endorse each payment; the supervisor's server endorses all of them.
        Figure(
            "processor time of a chaincode server per endorsement of `trade.pay`, the peer's stream included",
            max(value for name, value in each.items() if name.startswith("server")),
            "ms",
            1.5,
        ),
    )


if __name__ == "__main__":
    main()
