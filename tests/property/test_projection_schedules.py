"""However blocks are delivered, twice, late, out of order or cut, the tables end up the same."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countermark.platform.ports import UnavailableError
from countermark.platform.projection import ProjectionError, Projector, ledger_digest
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import delete
from tests.fixtures.ledger import Channel, MemoryBlock, MemoryBlocks, Recorded, chain
from tests.support import figures
from tests.support.market import Market
from tests.support.sizes import size

COUNT = size(300, 5_000)
# Real database, one for all examples: some 20 ms each.
SCHEDULES = settings(max_examples=COUNT, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def blocks() -> list[MemoryBlock]:
    """The blocks of one trade from the market's foundation to its settlement; all accounts are opened in one."""
    backend = Recorded()
    market = Market(backend)
    market.act("trade.confirm", market.bring_to("MATCHED"))
    contents = [block.transactions for block in backend.channel.blocks]
    opened = [number for number, inside in enumerate(contents) if inside[0].function == "account.open"]
    together = tuple(transaction for number in opened for transaction in contents[number])
    return chain(*contents[: opened[0]], together, *contents[opened[-1] + 1 :])


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


class Scheduled:
    """A stream that delivers what it was told to, whatever it is asked for, and then breaks."""

    def __init__(self, blocks: Sequence[MemoryBlock]) -> None:
        self._blocks = blocks

    def blocks(self, start: int, *, stop: int | None = None) -> Iterator[MemoryBlock]:
        yield from self._blocks
        raise UnavailableError("", "cut")


@pytest.fixture(scope="module")
def counted() -> Iterator[list[str]]:
    """What the schedules delivered; shown at the end."""
    deliveries: list[str] = []
    yield deliveries
    kinds = ", ".join(f"{deliveries.count(kind)} {kind}" for kind in ("in turn", "again", "too early"))
    figures.show(f"schedules of block streams: {COUNT}, in which blocks came {kinds}; one digest of the tables")


@SCHEDULES
@given(data=st.data())
def test_streams_that_repeat_skip_and_break_give_the_same_tables(
    data: st.DataObject, database: Database, blocks: list[MemoryBlock], wanted: str, counted: list[str]
) -> None:
    last = len(blocks) - 1
    # Runs of blocks that begin where they like: mostly before the block that is wanted, or behind it.
    runs = st.lists(st.tuples(st.integers(-3, 1), st.integers(1, 8)), min_size=1, max_size=2)
    following = 0
    for stream in data.draw(st.lists(runs, max_size=4)):
        firsts = [(min(max(following + offset, 0), last), count) for offset, count in stream]
        numbers = [number for first, count in firsts for number in range(first, min(first + count, last + 1))]
        # Each stream meets a projector of its own, as after a restart.
        projector = Projector(database, chaincode="countermark")
        outcome: type[Exception] = UnavailableError
        for number in numbers:
            counted.append("again" if number < following else "in turn" if number == following else "too early")
            if number > following:
                outcome = ProjectionError
                break
            following += number == following
        with pytest.raises(outcome):
            projector.catch_up(Scheduled([blocks[number] for number in numbers]), stop=last)
        assert projector.next_block() == following
    # The stream is taken up again where the checkpoint says.
    projector = Projector(database, chaincode="countermark")
    projector.catch_up(MemoryBlocks(_channel(blocks)), stop=last)
    assert empty(database) == wanted


@settings(SCHEDULES, max_examples=size(60, 1_000))
@given(cut=st.integers(0, 20), rebuilt_at=st.integers(0, 20))
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
