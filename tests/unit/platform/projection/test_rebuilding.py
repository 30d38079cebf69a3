"""The tables made again from block 0: lost, forged or whole, and what a projector that runs meanwhile sees of it."""

import threading
from collections.abc import Iterator

import pytest

from countermark.platform.ports import Block
from countermark.platform.projection import ProjectionError, Projector, ledger_digest
from countermark.platform.store import channels, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import select, text, update
from tests.fixtures.ledger import Channel, MemoryBlocks, Recorded
from tests.support.market import Market

ALL = (*tables.LEDGER_TABLES, tables.data_contracts)


@pytest.fixture(scope="module")
def traded() -> Channel:
    backend = Recorded()
    market = Market(backend)
    market.act("trade.confirm", market.bring_to("MATCHED"))
    return backend.channel


@pytest.fixture
def projector(database: Database, traded: Channel) -> Projector:
    projector = Projector(database, chaincode="countermark")
    projector.catch_up(MemoryBlocks(traded), stop=len(traded.blocks) - 1)
    return projector


def digest(database: Database) -> str:
    with database.begin() as connection:
        return ledger_digest(connection)


def run(database: Database, *statements: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_whole_tables_are_found_the_same(database: Database, projector: Projector, traded: Channel) -> None:
    before = digest(database)
    rebuilt = projector.rebuild(MemoryBlocks(traded))
    assert (rebuilt.same, rebuilt.before, rebuilt.after) == (True, before, before)
    assert (rebuilt.height, rebuilt.created) == (len(traded.blocks), ())


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_a_table_that_was_dropped_is_made_again_with_all_that_belongs_to_it(
    database: Database, projector: Projector, traded: Channel, table: tables.Table
) -> None:
    before = digest(database)
    shape = text(
        "SELECT indexdef FROM pg_indexes WHERE tablename = :name UNION ALL "
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = (:name)::regclass ORDER BY 1"
    )
    with database.begin() as connection:
        shaped = connection.execute(shape, {"name": table.name}).all()
    run(database, f"DROP TABLE {table.name}")
    rebuilt = projector.rebuild(MemoryBlocks(traded), height=lambda: len(traded.blocks))
    assert (rebuilt.created, rebuilt.same, rebuilt.after) == ((table.name,), False, before)
    with database.begin() as connection:
        assert connection.execute(shape, {"name": table.name}).all() == shaped


def test_all_tables_at_once_come_back_from_a_database_that_has_lost_them(
    database: Database, projector: Projector, traded: Channel
) -> None:
    before = digest(database)
    run(database, *(f"DROP TABLE {table.name}" for table in ALL))
    rebuilt = projector.rebuild(MemoryBlocks(traded), height=lambda: len(traded.blocks))
    assert set(rebuilt.created) == {table.name for table in ALL}
    assert rebuilt.after == digest(database) == before


def test_a_dry_run_tells_what_it_would_change_and_changes_nothing(
    database: Database, projector: Projector, traded: Channel
) -> None:
    good = digest(database)
    with database.begin() as connection:
        connection.execute(update(tables.coins).values(owner="thief"))
    run(database, "DROP TABLE events")
    rebuilt = projector.rebuild(MemoryBlocks(traded), dry_run=True)
    assert (rebuilt.same, rebuilt.after, rebuilt.created) == (False, good, ("events",))
    with database.begin() as connection:
        assert set(connection.execute(select(tables.coins.c.owner)).scalars()) == {"thief"}
        assert not connection.execute(text("SELECT to_regclass('events') IS NOT NULL")).scalar_one()


def test_a_block_that_comes_while_the_tables_are_made_again_is_applied_after_them(
    database: Database, projector: Projector, traded: Channel
) -> None:
    """A projector that runs, the worker's, neither loses a block nor applies one to half of the tables."""
    last = len(traded.blocks) - 1
    projector.rebuild(MemoryBlocks(traded))
    good = digest(database)
    run(database, "TRUNCATE checkpoint")
    projector.rebuild(MemoryBlocks(traded), height=lambda: last)
    worker = Projector(database, chaincode="countermark")
    applied: list[bool] = []
    following = threading.Thread(target=lambda: applied.append(worker.apply(traded.blocks[last])))

    class Slow(MemoryBlocks):
        def blocks(self, start: int, *, stop: int | None = None) -> Iterator[Block]:
            for block in super().blocks(start, stop=stop):
                if block.number == last // 2:
                    following.start()
                yield block

    projector.rebuild(Slow(traded))
    following.join(60)
    assert applied == [True]
    assert digest(database) == good


def test_listeners_are_told_once_and_not_of_every_block_again(
    database: Database, projector: Projector, traded: Channel
) -> None:
    with database.listener(channels.BLOCKS) as listener:
        projector.rebuild(MemoryBlocks(traded))
        assert listener.wait(10) == [str(len(traded.blocks) - 1)]


def test_a_ledger_that_is_shorter_than_the_tables_is_another_one(
    database: Database, projector: Projector, traded: Channel
) -> None:
    """A platform that was given a younger ledger must not believe it."""
    shorter = Channel()
    shorter.blocks = traded.blocks[:-2]
    before = digest(database)
    with pytest.raises(ProjectionError, match="another one"):
        projector.rebuild(MemoryBlocks(shorter), height=lambda: len(shorter.blocks))
    assert digest(database) == before
