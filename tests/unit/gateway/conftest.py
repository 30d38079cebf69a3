"""The gateway in one process, and a sale through it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from countermark.client import account, deliveries, listings, purchases, receiving
from countermark.client.errors import ClientError
from countermark.platform.store.engine import Database
from countermark.protocol.errors import ErrorCode
from tests.support.front import Front, Trader


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    front = Front(database, tmp_path)
    yield front
    front.close()


def refused(code: ErrorCode) -> Any:
    return pytest.raises(ClientError, match=f"^{code}(:|$)")


@dataclass
class Sale:
    """Seller and buyer with money, and a listing of the seller's on the market."""

    front: Front
    seller: Trader
    buyer: Trader
    listing: str

    def pay(self) -> str:
        return str(purchases.buy(self.buyer.market, self.buyer.vault, self.listing).result["id"])

    def send(self, trade: str) -> None:
        deliveries.charge(self.seller.market, self.seller.trade(trade))
        deliveries.send(
            self.seller.market, self.seller.keys, self.seller.vault, self.seller.trade(trade), self.seller.folder
        )
        self.front.work()

    def receive(self, trade: str) -> receiving.Received:
        out, downloads = self.buyer.folder / "bought", self.buyer.folder / "downloads"
        received = receiving.fetch(self.buyer.market, self.buyer.vault, self.buyer.trade(trade), out, downloads)
        purchases.acknowledge(self.buyer.market, self.buyer.keys, self.buyer.vault, self.buyer.trade(trade), received)
        self.front.work()
        return received


@pytest.fixture
def sale(front: Front) -> Sale:
    seller, buyer = front.trader("seller"), front.trader("buyer")
    for who in (seller, buyer):
        account.fund(who.market, "50000", f"deposit-{who.address[-6:]}")
    made = listings.create(
        seller.market,
        seller.vault,
        front.photograph,
        listings.Terms(10_001, {}),
        listings.Words(title="An Astronaut"),
    )
    listing = str(made.result["id"])
    listings.charge(seller.market, listing)
    front.work()
    return Sale(front, seller, buyer, listing)
