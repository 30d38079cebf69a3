"""One owner's parallel payments never pick the same coin, and nobody is poor while his change is on its way."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from countermark.platform.projection import Projector
from countermark.platform.store import coins, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Outbox, Request, State, Submitter
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import func, insert, select, update
from countermark.protocol import canonical, intents
from countermark.protocol.errors import ErrorCode, MarketError
from tests.fixtures.ledger import MemoryBlocks, MemoryLedger, Recorded
from tests.support.market import Actor, Market

OWNER = "did:key:owner"


def put(database: Database, *amounts: int, owner: str = OWNER) -> list[str]:
    with database.begin() as connection:
        start = connection.execute(select(func.count()).select_from(tables.coins)).scalar_one()
        ids = [f"t.{start + number}" for number in range(len(amounts))]
        for coin, amount in zip(ids, amounts, strict=True):
            row = {"id": coin, "owner": owner, "amount": amount, "created_tx": "t", "created_block": 1}
            connection.execute(insert(tables.coins).values(row))
    return ids


def reserve(database: Database, amount: int, holder: str) -> tuple[str, ...] | None:
    with database.begin() as connection:
        return coins.reserve(connection, owner=OWNER, amount=amount, holder=holder)


def expire(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(update(tables.coin_reservations).values(until_ms=0))


@pytest.mark.parametrize(
    ("held", "amount", "chosen"),
    [
        ([5, 10, 20], 7, [10]),  # the smallest that reaches alone
        ([5, 10, 20], 20, [20]),
        ([5, 10, 20], 25, [20, 10]),  # the largest first, nothing superfluous
        ([5, 10, 20], 35, [20, 10, 5]),
        ([1] * 4, 3, [1, 1, 1]),
    ],
)
def test_few_coins_and_none_superfluous_are_picked(
    database: Database, held: list[int], amount: int, chosen: list[int]
) -> None:
    amounts = dict(zip(put(database, *held), held, strict=True))
    picked = reserve(database, amount, "r")
    assert picked is not None
    assert sorted(amounts[coin] for coin in picked) == sorted(chosen)


def test_what_all_coins_do_not_reach_is_insufficient(database: Database) -> None:
    put(database, 5, 10)
    put(database, 100, owner="did:key:other")
    with pytest.raises(MarketError) as refused:
        reserve(database, 16, "r")
    assert refused.value.code is ErrorCode.INSUFFICIENT_FUNDS


def test_spent_coins_pay_nothing(database: Database) -> None:
    put(database, 10)
    with database.begin() as connection:
        connection.execute(update(tables.coins).values(spent_tx="s", spent_block=2))
        assert coins.balance(connection, OWNER) == 0
    with pytest.raises(MarketError, match="insufficient_funds"):
        reserve(database, 1, "r")


def test_coins_of_other_payments_are_left_alone_and_waited_for(database: Database) -> None:
    put(database, 10, 10)
    first, second = reserve(database, 10, "one"), reserve(database, 10, "two")
    assert first
    assert second
    assert set(first).isdisjoint(second)
    assert reserve(database, 10, "three") is None  # the money is there, but on its way


def test_a_request_that_asks_again_gives_its_old_coins_back(database: Database) -> None:
    put(database, 10)
    assert reserve(database, 10, "one") == reserve(database, 10, "one")
    assert reserve(database, 10, "two") is None
    with database.begin() as connection:
        coins.release(connection, "one")
    assert reserve(database, 10, "two")


def test_a_reservation_ends_by_its_time(database: Database) -> None:
    put(database, 10)
    assert reserve(database, 10, "one")
    expire(database)
    assert reserve(database, 10, "two")


def test_more_coins_than_a_payment_may_name_are_not_enough(database: Database) -> None:
    put(database, *[1] * (coins.MAX_COINS + 2))
    assert reserve(database, coins.MAX_COINS, "one")
    expire(database)
    with pytest.raises(MarketError, match=f"more than {coins.MAX_COINS} coins"):
        reserve(database, coins.MAX_COINS + 1, "two")


def test_payments_at_the_same_moment_get_different_coins(database: Database) -> None:
    put(database, *[10] * 16)
    with ThreadPoolExecutor(8) as pool:
        picked = list(pool.map(lambda n: reserve(database, 10, f"r{n}"), range(16)))
    assert len({coin for one in picked for coin in one or ()}) == 16


@dataclass
class Payments:
    """A market with the platform's parts around it: outbox, submitter, and a projector that follows."""

    market: Market
    database: Database
    ledger: MemoryLedger
    submitter: Submitter

    def transfer(self, who: Actor, to: Actor, amount: int, **changes: Any) -> Request:
        params = {"to": to.address, "amount": str(amount)}
        token = self.market.sign(who, "coin.transfer", params)
        return Request.by_intent(intents.parse(token, market="market/countermark"), amount=amount, **changes)

    def balance(self, who: Actor) -> int:
        with self.database.begin() as connection:
            return coins.balance(connection, who.address)

    def synchronise(self) -> None:
        Projector(self.database, chaincode="countermark").catch_up(
            MemoryBlocks(self.ledger.channel), stop=self.ledger.channel.height
        )


@pytest.fixture
def payments(database: Database) -> Iterator[Payments]:
    backend = Recorded()
    ledger = MemoryLedger(backend.channel)
    submitter = Submitter(database, ledger, Outbox(ledger, SecretBox({1: b"k" * 32}, 1)))
    blocks, stop = MemoryBlocks(backend.channel), threading.Event()
    projector = Projector(database, chaincode="countermark")
    follower = threading.Thread(target=projector.follow, args=(blocks, stop))
    made = Payments(Market(backend), database, ledger, submitter)
    follower.start()
    yield made
    stop.set()
    blocks.close()
    follower.join()


@pytest.mark.requirement("R35")
def test_a_payment_spends_coins_that_reach_and_the_change_comes_back(payments: Payments) -> None:
    market = payments.market
    market.mint(market.buyer, 100)
    payments.synchronise()
    entry = payments.submitter.request(payments.transfer(market.buyer, market.seller, 30), wait_s=10)
    assert entry.state is State.COMMITTED
    payments.synchronise()
    assert (payments.balance(market.buyer), payments.balance(market.seller)) == (70, 30)
    with payments.database.begin() as connection:  # spent coins hold no reservation
        assert connection.execute(select(tables.coin_reservations)).all() == []


def test_payments_in_parallel_from_one_coin_all_succeed_on_each_others_change(payments: Payments) -> None:
    market = payments.market
    market.mint(market.buyer, 100)
    payments.synchronise()
    requests = [payments.transfer(market.buyer, market.seller, 20) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        entries = list(pool.map(lambda request: payments.submitter.request(request, wait_s=30), requests))
    assert {(entry.state, entry.error) for entry in entries} == {(State.COMMITTED, None)}
    payments.synchronise()
    assert (payments.balance(market.buyer), payments.balance(market.seller)) == (0, 100)


def test_insufficient_funds_are_refused_before_anything_is_saved_or_ordered(payments: Payments) -> None:
    market = payments.market
    market.mint(market.buyer, 10)
    payments.synchronise()
    with pytest.raises(MarketError) as refused:
        payments.submitter.request(payments.transfer(market.buyer, market.seller, 11), wait_s=10)
    assert refused.value.code is ErrorCode.INSUFFICIENT_FUNDS
    assert payments.ledger.submitted == []
    with payments.database.begin() as connection:
        assert connection.execute(select(tables.outbox)).all() == []


def test_who_waits_for_change_that_never_comes_is_refused_in_the_end(payments: Payments) -> None:
    market = payments.market
    market.mint(market.buyer, 100)
    payments.synchronise()
    requests = [payments.transfer(market.buyer, market.seller, 60) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        entries = list(pool.map(lambda request: payments.submitter.request(request, wait_s=30), requests))
    assert sorted(entry.state for entry in entries) == [State.COMMITTED, State.REFUSED]
    refused = next(entry.error for entry in entries if entry.error)
    assert refused.code is ErrorCode.INSUFFICIENT_FUNDS


def test_a_coin_that_another_gateway_spent_is_replaced_by_another(payments: Payments) -> None:
    market = payments.market
    first = market.mint(market.buyer, 50)
    market.mint(market.buyer, 60)
    payments.synchronise()
    spent: list[str] = []

    def elsewhere(_tx_id: str) -> None:
        if not spent:
            spent.append(first)
            market.ask(
                market.buyer, "coin.transfer", {"to": market.stranger.address, "amount": "50"}, {"coins": spent}
            )

    payments.ledger.before["endorse"] = elsewhere
    entry = payments.submitter.request(payments.transfer(market.buyer, market.seller, 50), wait_s=20)
    assert (entry.state, entry.error) == (State.COMMITTED, None)
    payments.synchronise()
    assert (payments.balance(market.buyer), payments.balance(market.seller)) == (10, 50)


def test_a_refused_payment_gives_its_coins_back(payments: Payments) -> None:
    market = payments.market
    market.mint(market.buyer, 50)
    payments.synchronise()
    closed = Actor("closed", "TraderMSP", type(market.buyer.key).generate(), market.buyer.encryption)
    entry = payments.submitter.request(payments.transfer(market.buyer, closed, 50), wait_s=10)
    assert entry.state is State.REFUSED
    assert entry.error is not None
    assert entry.error.code is ErrorCode.UNKNOWN_ACCOUNT
    with payments.database.begin() as connection:
        assert connection.execute(select(tables.coin_reservations)).all() == []


def test_coins_are_attached_beside_what_the_caller_attached(payments: Payments) -> None:
    market = payments.market
    request = payments.transfer(market.buyer, market.seller, 5, attachments={"overlaps": ["dc1"]})
    token, attached = request.paid_with(["a.0", "b.1"])
    assert token == request.args[0]
    assert canonical.loads(attached) == {"coins": ["a.0", "b.1"], "overlaps": ["dc1"]}
