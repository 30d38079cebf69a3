"""Many buyers at once on native Fabric: no purchase meets another, and the money is exact."""

from collections import Counter
from collections.abc import Iterator

import pytest

from countermark.network.client import GatewayClient
from tests.support.fabric.backend import Native
from tests.support.fabric.network import FabricNetwork
from tests.support.fabric.purchases import causes, list_many, open_buyers, settle, sign_purchases, ticking
from tests.support.fabric.story import Founded
from tests.support.figures import show
from tests.support.market import BOND, PRICE, TRADER, Market
from tests.support.sizes import size

pytestmark = pytest.mark.fabric

PURCHASES = size(100, 1_000)
CLIENTS = 64
CHAINCODE = "purchases"


@pytest.fixture
def market(network: FabricNetwork) -> Iterator[Market]:
    """A market of its own: what is in escrow there is nobody else's."""
    network.deploy(CHAINCODE)
    clients = network.clients(CHAINCODE)
    yield Founded(Native(clients, f"{network.channel}/{CHAINCODE}", live=True))
    for client in clients.values():
        client.close()


@pytest.fixture
def client(network: FabricNetwork, market: Market) -> Iterator[GatewayClient]:
    client = GatewayClient(network.profile(TRADER, CHAINCODE))
    yield client
    client.close()


@pytest.mark.timeout(size(300, 1_800))
def test_purchases_by_64_clients_conflict_with_nothing_but_the_epochs_tick(
    market: Market, client: GatewayClient
) -> None:
    buyers = open_buyers(market, CLIENTS)
    listings = list_many(market, PURCHASES)
    calls = sign_purchases(market, buyers, listings)
    before = market.total()
    told = causes(client.blocks(0, stop=client.newest_block().number))
    with ticking(client) as ticks:
        ends = settle(client, calls, CLIENTS)
    assert len(set(ends.transactions)) == PURCHASES, "no conflict has reached a buyer"
    now = causes(client.blocks(0, stop=client.newest_block().number))
    conflicts = {what: now[what] - told.get(what, 0) for what in now if now[what] != told.get(what, 0)}
    assert set(conflicts) <= {"epoch"}
    assert ends.in_vain["MVCC_READ_CONFLICT"] == conflicts.get("epoch", 0)

    records = market.records("listing/")
    assert {records[address]["state"] for address in listings} == {"RESERVED"}
    trades = {records[address]["trade"] for address in listings}
    assert len(trades) == PURCHASES
    owned: Counter[str] = Counter()
    for coin in market.records("coin/").values():
        owned[coin["owner"]] += int(coin["amount"])
    assert {owned[f"trade/{trade}"] for trade in trades} == {PRICE + BOND}
    assert {owned[buyer.address] for buyer in buyers} == {0}
    assert owned.total() == before
    show(
        f"purchases on native Fabric: {PURCHASES} by {CLIENTS} clients, {len(ticks)} ticks of the epoch, "
        f"{conflicts.get('epoch', 0)} conflicts with a tick, none else, money exact"
    )
