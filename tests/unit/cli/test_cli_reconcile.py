"""`audit reconcile`: nothing where tables and ledger agree, and exactly what where somebody was at the tables."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from countermark.cli import reconciling as command
from countermark.client import account, deliveries, listings, purchases, receiving
from countermark.gateway.services import PlatformServices
from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, delete, insert, select, text, update
from tests.support.front import Front, Trader
from tests.unit.cli.conftest import Run

TERMS = listings.Terms(100, {})
TITLE = "A title that nobody may print"


class Market:
    """A platform with a sale that was confirmed and another that waits for its buyer."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.seller, self.buyer = front.trader("seller"), front.trader("buyer")
        for who in (self.seller, self.buyer):
            account.fund(who.market, "50000", f"deposit-{who.address[-8:]}")
        words = listings.Words(TITLE)
        made = listings.create(self.seller.market, self.seller.vault, front.photograph, TERMS, words)
        self.listing = str(made.result["id"])
        listings.charge(self.seller.market, self.listing)
        self.trade = self.sell()
        front.work()

    def sell(self) -> str:
        seller, buyer, front = self.seller, self.buyer, self.front
        trade = str(purchases.buy(buyer.market, buyer.vault, self.listing).result["id"])
        deliveries.charge(seller.market, seller.trade(trade))
        deliveries.send(seller.market, seller.keys, seller.vault, seller.trade(trade), front.folder / "packages")
        front.work()
        received = self._receive(buyer, trade)
        purchases.acknowledge(buyer.market, buyer.keys, buyer.vault, buyer.trade(trade), received)
        front.work()
        purchases.confirm(buyer.market, trade)
        return trade

    def _receive(self, buyer: Trader, trade: str) -> receiving.Received:
        folder = buyer.folder
        return receiving.fetch(buyer.market, buyer.vault, buyer.trade(trade), folder / "bought", folder / "downloads")


@pytest.fixture
def market(front: Front, monkeypatch: pytest.MonkeyPatch) -> Market:
    made = Market(front)

    @contextmanager
    def services(_data: Path | None) -> Iterator[PlatformServices]:
        yield front.services

    monkeypatch.setattr(command, "platform_services", services)
    return made


@contextmanager
def tampering(front: Front) -> Iterator[Connection]:
    """Give a connection on which somebody changes what he likes."""
    with front.services.database.begin() as connection:
        yield connection


def named(document: dict[str, Any], table: str) -> list[tuple[Any, str]]:
    """Return key and kind of all differences in one table."""
    return [(one["key"], one["what"]) for one in document["differences"] if one["table"] == table]


def said(document: dict[str, Any], table: str, what: str = "changed") -> list[dict[str, Any]]:
    """Return what is said of the columns of the first such difference in one table."""
    told: list[dict[str, Any]] = next(
        one["said"] for one in document["differences"] if (one["table"], one["what"]) == (table, what)
    )
    return told


@pytest.mark.requirement("R7")
def test_tables_that_agree_with_the_ledger_are_told_to(run: Run, front: Front, market: Market) -> None:
    result = run("audit", "reconcile", "--json")
    assert result.status == 0, result
    document = result.json
    assert (document["differences"], document["count"]) == ([], 0)
    assert document["height"] == len(front.channel.blocks_made)
    compared = document["compared"]
    assert compared["rows"] > 50
    assert (compared["contracts"], compared["entries"], compared["anchors"]) == (1, 2, 2)
    told = run("audit", "reconcile")
    assert told.out.splitlines()[-1] == "no difference"
    # Nothing of the comparison stays behind.
    with tampering(front) as connection:
        left = connection.execute(
            text("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                 " WHERE n.nspname LIKE 'pg_temp%' AND c.relkind = 'r'")
        )  # fmt: skip
        assert left.scalar_one() == 0


@pytest.mark.requirement("R7")
@pytest.mark.requirement("R67")
def test_everything_that_somebody_did_to_the_tables_is_named(run: Run, front: Front, market: Market) -> None:
    contracts, trades, coins = tables.data_contracts, tables.trades, tables.coins
    buyer = market.buyer.address
    with tampering(front) as connection:
        record = connection.execute(select(trades.c.record)).scalar_one()
        coin = connection.execute(select(coins.c.id).where(coins.c.spent_tx.is_(None)).limit(1)).scalar_one()
        nonce = connection.execute(select(tables.intents.c.nonce).limit(1)).scalar_one()
        sent = connection.execute(select(tables.outbox).where(tables.outbox.c.function == "trade.send")).one()
        acked = connection.execute(select(tables.outbox).where(tables.outbox.c.function == "trade.ack")).one()
        connection.execute(update(trades).values(price=1, record={**record, "price": "1"}))
        connection.execute(update(coins).where(coins.c.id == coin).values(owner="thief"))
        connection.execute(delete(tables.intents).where(tables.intents.c.nonce == nonce))
        forged = {
            "issuer": "PlatformMSP",
            "reference": "made-up",
            "owner": buyer,
            "amount": 7,
            "tx_id": "x",
            "block": 1,
        }
        connection.execute(insert(tables.deposits).values(forged))
        connection.execute(update(contracts).values(description=b"x", search_text="other words"))
        connection.execute(insert(contracts).values(address="dc1" + "a" * 52))
        connection.execute(delete(tables.item_fingerprints))
        outbox = update(tables.outbox)
        connection.execute(outbox.where(tables.outbox.c.tx_id == sent.tx_id).values(state="REFUSED"))
        connection.execute(
            outbox.where(tables.outbox.c.tx_id == acked.tx_id).values(block_number=0, intent_digest="sha256:other")
        )
        connection.execute(update(tables.board).where(tables.board.c.seq == 1).values(leaf_hash=bytes(32)))
    result = run("audit", "reconcile", "--json")
    assert result.status == 1
    document = result.json
    assert document["count"] == len(document["differences"])
    assert named(document, "trades") == [({"id": market.trade}, "changed")]
    assert said(document, "trades") == [
        {"column": "price", "ledger": 100, "table": 1},
        {"column": "record.price", "ledger": "100", "table": "1"},
    ]
    assert named(document, "coins") == [({"id": coin}, "changed")]
    ((owner,),) = [said(document, "coins")]
    assert (owner["column"], owner["table"]) == ("owner", "thief")
    assert owner["ledger"] in (market.seller.address, buyer, front.world.platform.address)
    ((key, what),) = named(document, "intents")
    assert (key["nonce"], what) == (nonce, "missing")
    assert named(document, "deposits") == [({"issuer": "PlatformMSP", "reference": "made-up"}, "surplus")]
    assert {"column": "amount", "ledger": None, "table": 7} in said(document, "deposits", "surplus")
    assert named(document, "data_contracts") == [
        ({"address": "dc1" + "a" * 52}, "surplus"),
        ({"address": market.listing}, "changed"),
    ]
    assert said(document, "data_contracts") == [
        {"column": "description", "private": True},
        {"column": "search_text", "private": True},
    ]
    assert named(document, "item_fingerprints") == [({"address": market.listing}, "changed")]
    (of_sent,) = [one for one in document["differences"] if one["key"].get("tx_id") == sent.tx_id]
    assert of_sent["said"] == [
        {"column": "state", "ledger": f"valid in block {sent.block_number}", "table": "REFUSED"}
    ]
    of_ack = [one for one in document["differences"] if one["key"].get("tx_id") == acked.tx_id]
    assert [[told["column"] for told in one["said"]] for one in of_ack] == [["block_number"], ["intent_digest"]]
    assert of_ack[0]["said"] == [{"column": "block_number", "ledger": acked.block_number, "table": 0}]
    assert named(document, "board") == [({"seq": 1}, "leaf")]
    assert named(document, "board_nodes") == [({"first": 0, "last": 1}, "node")]
    lines = run("audit", "reconcile").out
    assert TITLE not in lines + json.dumps(document)
    assert f"coins  id {coin}  changed" in lines
    assert "price: the ledger says 100, the table says 1" in lines
    assert "description: private, and differs" in lines


@pytest.mark.requirement("R67")
def test_a_notice_that_was_taken_off_the_board_is_missed(run: Run, front: Front, market: Market) -> None:
    """Not anchored, its entry could go without a trace on the board: but an act on the ledger names it."""
    deleted = tables.board.c.seq == 1
    with tampering(front) as connection:
        digest = connection.execute(select(tables.board.c.digest).where(deleted)).scalar_one()
        connection.execute(delete(tables.board).where(deleted))
    document = run("audit", "reconcile", "--json").json
    missing = [one for one in document["differences"] if one["what"] == "missing"]
    ((one, *_),) = [[one for one in missing if one["table"] == "board" and "trade" in one["key"]]]
    assert one["key"] == {"trade": market.trade, "signer": market.buyer.address}
    assert one["said"][0] == {"column": "digest", "ledger": digest, "table": None}
    assert one["said"][1]["ledger"].startswith("trade.ack in transaction ")


def test_of_an_erased_contract_nothing_is_missed_and_what_is_kept_all_the_same_is_named(
    run: Run, front: Front, market: Market
) -> None:
    contracts = tables.data_contracts
    with tampering(front) as connection:
        row = connection.execute(select(contracts.c.description, contracts.c.salt_d)).one()
    listings.erase(market.buyer.market, market.listing)
    assert run("audit", "reconcile", "--json").json["differences"] == []
    with tampering(front) as connection:
        connection.execute(update(contracts).values(description=row.description, salt_d=row.salt_d))
    document = run("audit", "reconcile", "--json").json
    assert named(document, "data_contracts") == [({"address": market.listing}, "uncollected")]


def test_a_ledger_that_is_away_or_ends_early_is_told(run: Run, front: Front, market: Market) -> None:
    front.channel.away = True
    told = run("audit", "reconcile")
    assert told.status == 1
    assert "the platform must be running" in told.err
    front.channel.away = False
    lost = front.channel.blocks_made.pop()
    document = run("audit", "reconcile", "--json").json
    front.channel.blocks_made.append(lost)
    assert ({"number": lost.number}, "surplus") in named(document, "blocks")
    assert said(document, "checkpoint")[0] == {
        "column": "block_number",
        "ledger": lost.number - 1,
        "table": lost.number,
    }


def test_many_differences_are_counted_and_some_are_told(
    run: Run, front: Front, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SHOWN", 3)
    with tampering(front) as connection:
        connection.execute(update(tables.transactions).values(creator_msp="x" * 300))
    document = run("audit", "reconcile", "--json").json
    assert len(document["differences"]) == 3
    assert document["count"] > 20
    lines = run("audit", "reconcile").out.splitlines()
    assert f"and {document['count'] - 3} more" in lines
    assert max(map(len, lines)) < 300
