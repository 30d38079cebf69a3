"""However blocks are delivered, twice, late, out of order or cut, the tables end up the same."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countermark.platform.projection import ProjectionError, Projector, ledger_digest
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import delete
from tests.fixtures.ledger import Channel, MemoryBlock, MemoryBlocks, Recorded
from tests.support.market import Market

# Real database, one for all examples: some 20 ms each.
SCHEDULES = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def blocks() -> list[MemoryBlock]:
    """The blocks of one trade from the market's foundation to its settlement."""
    backend = Recorded()
    market = Market(backend)
    market.act("trade.confirm", market.bring_to("MATCHED"))
    return backend.channel.blocks


@pytest.fixture
def wanted(database: Database, blocks: list[MemoryBlock]) -> str:
    """The digest after an orderly delivery; leaves the tables empty."""
    projector = Projector(database, chaincode="countermark")
    for block in blocks:
        projector.apply(block)
    return empty(database)


def empty(database: Database) -> str:
    """Empty the tables and return the digest that they had."""
    with database.begin() as connection:
        found = ledger_digest(connection)
        for table in (*tables.LEDGER_TABLES, tables.data_contracts):
            connection.execute(delete(table))
    return found


@SCHEDULES
@given(data=st.data())
def test_any_schedule_of_deliveries_gives_the_same_tables(
    data: st.DataObject, database: Database, blocks: list[MemoryBlock], wanted: str
) -> None:
    projector = Projector(database, chaincode="countermark")
    deliveries = data.draw(st.lists(st.integers(0, len(blocks) - 1), max_size=2 * len(blocks)))
    for number in deliveries:
        following = projector.next_block()
        if number > following:
            with pytest.raises(ProjectionError):
                projector.apply(blocks[number])
        else:
            assert projector.apply(blocks[number]) is (number == following)
    # The stream is taken up again where the checkpoint says.
    while (following := projector.next_block()) < len(blocks):
        assert projector.apply(blocks[following])
    assert empty(database) == wanted


@SCHEDULES
@given(cut=st.integers(0, 40), rebuilt_at=st.integers(0, 40))
def test_a_restart_and_a_rebuild_at_any_block_give_the_same_tables(
    cut: int, rebuilt_at: int, database: Database, blocks: list[MemoryBlock], wanted: str
) -> None:
    source = MemoryBlocks(_channel(blocks))
    last = len(blocks) - 1
    Projector(database, chaincode="countermark").catch_up(source, stop=min(cut, last))
    after_restart = Projector(database, chaincode="countermark")
    after_restart.catch_up(source, stop=min(max(cut, rebuilt_at), last))
    after_restart.rebuild(source)
    after_restart.catch_up(source, stop=last)
    assert empty(database) == wanted


def _channel(blocks: list[MemoryBlock]) -> Channel:
    channel = Channel()
    channel.blocks = blocks
    return channel
