"""The projection of blocks that native Fabric made: lifecycle, private data and an invalid transaction among them."""

import pytest

from countermark.platform.projection import Projector, ledger_digest
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import func, select
from tests.fixtures.fabric_blocks import JOINED, recorded
from tests.support.market import BOND, FEE, PRICE, actor


@pytest.fixture
def projected(database: Database) -> Database:
    projector = Projector(database, chaincode="countermark")
    assert all(projector.apply(block) for block in recorded())
    return database


def test_rows_say_who_owns_the_contract_and_who_holds_the_money(projected: Database) -> None:
    coins = tables.coins
    with projected.begin() as connection:
        contract = connection.execute(select(tables.data_contracts)).one()
        trade = connection.execute(select(tables.trades)).one()
        held = (
            select(coins.c.owner, func.sum(coins.c.amount)).where(coins.c.spent_tx.is_(None)).group_by(coins.c.owner)
        )
        balances = {owner: int(amount) for owner, amount in connection.execute(held)}
    assert (contract.owner, contract.state) == (actor("buyer").address, "SOLD")
    assert (trade.buyer, trade.state, trade.outcome) == (actor("buyer").address, "SETTLED", "confirmed")
    assert balances == {
        actor("seller").address: PRICE + BOND,
        actor("buyer").address: BOND,
        actor("stranger").address: PRICE + BOND,
        actor("platform", "PlatformMSP").address: FEE,
    }


def test_every_transaction_is_shown_with_its_verdict(projected: Database) -> None:
    t = tables.transactions
    with projected.begin() as connection:
        rows = connection.execute(select(t.c.tx_id, t.c.code_name, t.c.creator_msp)).all()
    wanted = [
        (one.tx_id, one.code_name, one.creator_msp)
        for block in recorded()
        for one in block.transactions
        if one.kind == "endorser"
    ]
    assert sorted(tuple(row) for row in rows if row.creator_msp) == sorted(wanted)


def test_events_are_those_of_valid_transactions_of_the_market(projected: Database) -> None:
    with projected.begin() as connection:
        events = connection.execute(select(tables.events.c.name).order_by(tables.events.c.seq)).scalars().all()
    assert events == [
        one.function for block in recorded() for one in block.transactions if one.event is not None and one.valid
    ]
    assert events.count("trade.pay") == 1


def test_blocks_delivered_again_change_nothing(projected: Database) -> None:
    with projected.begin() as connection:
        before = ledger_digest(connection)
    projector = Projector(projected, chaincode="countermark")
    assert not any(projector.apply(block) for block in recorded())
    with projected.begin() as connection:
        assert ledger_digest(connection) == before


def test_projection_goes_on_over_a_change_of_the_channels_configuration(database: Database) -> None:
    blocks = recorded(JOINED)
    projector = Projector(database, chaincode="countermark")
    assert all(projector.apply(block) for block in blocks)
    t = tables.transactions
    with database.begin() as connection:
        accounts = set(connection.execute(select(tables.accounts.c.address)).scalars())
        kinds = connection.execute(select(t.c.block, t.c.creator_msp).where(t.c.kind == "config")).all()
    assert {actor(name, "FourthMSP").address for name in ("early", "late")} <= accounts
    joined = next(block.number for block in blocks[1:] if block.transactions[0].kind == "config")
    assert sorted(tuple(row) for row in kinds) == [(0, ""), (joined, "OrdererMSP")]
