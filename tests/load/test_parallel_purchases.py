"""Many buyers at once: no purchase meets another, of one contract exactly one wins, and the money is exact."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from countermark.client.errors import ClientError
from countermark.protocol.errors import ErrorCode
from tests.support.figures import show
from tests.support.photographs import photograph
from tests.support.remote import RemoteTrader
from tests.support.sizes import size
from tests.support.whole_platform import Platform

LISTINGS = size(200, 1_000)
CLIENTS = 32
RIVALS = 64
PRICE = 1_000


def until(trader: RemoteTrader, trade: str, state: str) -> None:
    """Ask again until the trade is in `state`; each question takes a round trip, so this is no busy loop."""
    give_up = time.monotonic() + 240
    while (now := trader.trade(trade)["state"]) != state:
        assert time.monotonic() < give_up, f"{trade} is {now}, not {state}"


@pytest.mark.slow
@pytest.mark.timeout(size(900, 4_500))
def test_purchases_by_32_clients_all_settle(platform: Platform, tmp_path: Path) -> None:
    """Eight sellers and 32 buyers, each of whom buys from all sellers: none sees a conflict."""
    sellers = [RemoteTrader(platform, tmp_path / f"seller{number}", 200_000) for number in range(8)]
    bond = int(sellers[0].market.config.bond)
    buyers = [
        RemoteTrader(platform, tmp_path / f"buyer{number}", (PRICE + bond) * -(-LISTINGS // CLIENTS))
        for number in range(CLIENTS)
    ]
    before = sum(who.balance() for who in (*sellers, *buyers))

    def offer(number: int) -> str:
        photo = photograph(tmp_path / f"photo{number}.jpg", 10_000 + number)
        return sellers[number % len(sellers)].put_on_market(photo, PRICE)

    with ThreadPoolExecutor(8) as pool:
        offered = list(pool.map(offer, range(LISTINGS)))
    fees = LISTINGS * int(sellers[0].market.config.management_fee)

    def purchase(number: int) -> str:
        seller, buyer = sellers[number % len(sellers)], buyers[number % CLIENTS]
        trade = buyer.buy(offered[number])
        seller.deliver(trade)
        until(buyer, trade, "SENT")
        buyer.take(trade, tmp_path / f"received{number}.jpg")
        until(buyer, trade, "MATCHED")
        buyer.confirm(trade)
        return trade

    with ThreadPoolExecutor(CLIENTS) as pool:
        trades = list(pool.map(purchase, range(LISTINGS)))
    records = [buyers[number % CLIENTS].trade(trade) for number, trade in enumerate(trades)]
    assert {(record["state"], record["outcome"]) for record in records} == {("SETTLED", "confirmed")}
    assert len(set(trades)) == LISTINGS
    fees += sum(int(record["fee"]) for record in records)
    assert sum(who.balance() for who in (*sellers, *buyers)) == before - fees
    show(f"parallel purchases: {LISTINGS} by {CLIENTS} clients, all settled, money exact")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_64_buyers_of_one_contract_one_wins_and_the_others_keep_their_money(
    platform: Platform, tmp_path: Path
) -> None:
    seller = RemoteTrader(platform, tmp_path / "seller", 10_000)
    listing = seller.put_on_market(photograph(tmp_path / "photo.jpg", 20_001), PRICE)
    bond = int(seller.market.config.bond)
    money = PRICE + bond
    with ThreadPoolExecutor(16) as pool:
        rivals = list(pool.map(lambda number: RemoteTrader(platform, tmp_path / f"r{number}", money), range(RIVALS)))

    def race(rival: RemoteTrader) -> str:
        try:
            return rival.buy(listing)
        except ClientError as error:
            return error.code

    with ThreadPoolExecutor(RIVALS) as pool:
        ends = list(pool.map(race, rivals))
    refused = [end for end in ends if not end.startswith("tr1")]
    assert refused == [ErrorCode.ALREADY_RESERVED] * (RIVALS - 1)
    balances = [rival.balance() for rival in rivals]
    assert [balance for balance, end in zip(balances, ends, strict=True) if end in refused] == [money] * (RIVALS - 1)
    assert sum(balances) == (RIVALS - 1) * money
    assert len({*itertools.chain(ends)}) == 2
    show(f"one listing: {RIVALS} buyers at once, one won, {len(refused)} refused before any money moved")
