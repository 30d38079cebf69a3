"""Whoever holds the database alters a field, drops, adds or swaps rows, or puts an old copy back: it is located."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from countermark.platform.board.log import Board
from countermark.platform.board.verification import Anchor, Finding, verify_board
from countermark.platform.projection import Change, Difference, Projector, compare
from countermark.platform.projection.derived import DERIVED, read_rows
from countermark.platform.reconciling.discrepancies import of_difference
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.postgres import EmbeddedPostgres
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Column, Connection, IntegrityError, Table, select
from countermark.protocol.encoding import digest
from countermark.protocol.errors import MarketError
from countermark.protocol.notices import Notice, parse_notice, sign_notice
from countermark.protocol.receipts import parse_receipt
from tests.fixtures.ledger import MemoryBlock, Recorded
from tests.fixtures.postgres import fresh_database
from tests.support.every_function import EveryFunction
from tests.support.figures import show
from tests.support.market import PLATFORM, actor
from tests.support.platform import MARKET
from tests.support.sizes import size

FLIPS = size(50, 10_000)
ENTRIES, ANCHORED = 9, (4, 9)
PLATFORM_KEY = actor("platform", PLATFORM).key
NOW_MS = 1_800_000_000_000
FIELDS = [table.c[name] for table, names in DERIVED for name in names]
BOARD_FIELDS = [*tables.board.columns, *tables.board_head.columns]
ONE_ROW = [table.c.id for table in (tables.checkpoint, tables.epoch, tables.board_head)]
"""Keys of which the database takes no other value."""


@dataclass
class Stores:
    """A platform's database, another filled from the same blocks, and what the ledger says of the board."""

    kept: Database
    replayed: Database
    blocks: list[MemoryBlock]
    board: Board
    anchors: list[Anchor]

    def differences(self, connection: Connection) -> list[Difference]:
        with self.replayed.begin() as other:
            return list(compare(connection, other))

    def findings(self, connection: Connection) -> list[Finding]:
        head = self.board.claimed_head(connection)
        rows = self.board.read(connection)
        return list(verify_board(rows, self.anchors, market=MARKET, platform=PLATFORM_KEY.address, head=head))


def everything_that_can_happen() -> list[MemoryBlock]:
    backend = Recorded()
    every = EveryFunction(backend)
    for function in every.calls:
        every.submit(function)
    return backend.channel.blocks


def fill_board(database: Database, board: Board) -> list[Anchor]:
    with database.begin() as connection:
        for number in range(ENTRIES):
            role = ("seller", "buyer")[number % 2]
            notice = Notice(
                role=role,  # type: ignore[arg-type]  # one of its literals
                trade="tr1" + "abcdefghi"[number] * 52,
                seller=actor("seller").address,
                buyer=actor("buyer").address,
                listing="dc1" + "a" * 52,
                platform=PLATFORM_KEY.address,
                fingerprint_root=digest(b"%d" % number),
                claimed_at_ms=NOW_MS + number,
                verdict=None if role == "seller" else "match",
            )
            token, _ = sign_notice(actor(role).key, notice, market=MARKET)
            parsed = parse_notice(token, market=MARKET, platform=PLATFORM_KEY.address)
            board.append(connection, parsed, received_at_ms=NOW_MS + number)
        return [Anchor(size, board.root_at(connection, size)) for size in ANCHORED]


@pytest.fixture(scope="module")
def stores(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[Stores]:
    blocks = everything_that_can_happen()
    board = Board(box=SecretBox({1: b"k" * 32}, 1), key=PLATFORM_KEY, market=MARKET, anchored_within_ms=60_000)
    made = [fresh_database(postgres_server, migrated_template) for _ in range(2)]
    kept, replayed = (next(one) for one in made)
    for database in (kept, replayed):
        projector = Projector(database, chaincode="countermark")
        for block in blocks:
            projector.apply(block)
    yield Stores(kept, replayed, blocks, board, fill_board(kept, board))
    for one in made:
        next(one, None)


@pytest.fixture
def tampered(stores: Stores) -> Iterator[Connection]:
    """The platform's database, as it was again after the test."""
    with stores.kept.begin() as connection:
        yield connection
        connection.rollback()


def other(value: Any, column: Column[Any], chance: random.Random) -> Any:
    """Return ``value`` with one bit of it flipped, or where there is none, something of its kind."""
    if value is None:
        value = {int: 0, str: "x", bool: False}.get(column.type.python_type, {})
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        # A key, beyond what there is, for the database takes none twice.
        return value ^ 1 << (chance.randrange(12, 15) if column.primary_key else chance.randrange(12))
    if isinstance(value, str):
        place = chance.randrange(len(value)) if value else 0
        return (
            value[:place] + chr(ord(value[place]) ^ 1 << chance.randrange(4)) + value[place + 1 :] if value else "x"
        )
    if isinstance(value, bytes | memoryview):
        raw = bytearray(value)
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        return bytes(raw)
    if isinstance(value, list):
        return [*value[:-1], other(value[-1], column, chance)] if value else ["x"]
    assert isinstance(value, dict)
    name = chance.choice(sorted(value)) if value else ""
    inner = value.get(name)
    return {**value, name: "x" if inner is None else other(inner, column, chance)}


def alter(connection: Connection, column: Column[Any], chance: random.Random) -> tuple[Any, ...]:
    """Alter one field of one row, and return the row's key.

    Raises:
        IntegrityError: The database itself does not take it.
    """
    table = column.table
    assert isinstance(table, Table)
    keys = list(table.primary_key.columns)
    rows = connection.execute(select(*keys, column.label("altered")).order_by(*keys)).all()
    # Rather a row that has something there.
    row = chance.choice([row for row in rows if row.altered is not None] or rows)
    key = tuple(row[: len(keys)])
    here = [one == value for one, value in zip(keys, key, strict=True)]
    changed = connection.execute(table.update().where(*here).values({column: other(row.altered, column, chance)}))
    assert changed.rowcount == 1
    return key


def check_located(stores: Stores, connection: Connection, column: Column[Any], key: tuple[Any, ...]) -> None:
    """Check that exactly the altered field is named, or on the board an entry or interval that holds it."""
    name = column.table.name
    if column in set(BOARD_FIELDS):
        place = key[0] if name == "board" else ENTRIES
        found = stores.findings(connection)
        assert any(one.first <= place <= one.last for one in found), found
    elif column.primary_key:
        # The row is there under another key: one is missing, and one too many.
        missing, surplus = sorted(stores.differences(connection), key=lambda one: one.change)
        assert missing == Difference(name, key, Change.MISSING)
        assert (surplus.table, surplus.change) == (name, Change.SURPLUS)
    else:
        assert stores.differences(connection) == [Difference(name, key, Change.CHANGED, (column.name,))]


def test_there_is_no_false_alarm(stores: Stores, tampered: Connection) -> None:
    assert stores.differences(tampered) == []
    assert stores.findings(tampered) == []
    for table, names in DERIVED:
        assert next(read_rows(tampered, table, names), None) is not None, f"{table.name} is empty: nothing is shown"


@pytest.mark.requirement("R67")
@pytest.mark.parametrize("column", [*FIELDS, *BOARD_FIELDS], ids=str)
def test_altered_field_is_located(stores: Stores, tampered: Connection, column: Column[Any]) -> None:
    chance = random.Random(str(column))
    if column in set(ONE_ROW):
        with pytest.raises(IntegrityError, match="one_row"):
            alter(tampered, column, chance)
        return
    check_located(stores, tampered, column, alter(tampered, column, chance))


@pytest.mark.requirement("R7")
@pytest.mark.parametrize("table", [table for table, _ in DERIVED], ids=str)
def test_of_every_column_it_is_told_what_ledger_and_table_say(
    stores: Stores, tampered: Connection, table: Table
) -> None:
    chance = random.Random(table.name)
    names = next(names for one, names in DERIVED if one is table)
    keys = [column.name for column in table.primary_key.columns]
    told = 0
    for column in (table.c[name] for name in names if name not in keys):
        point = tampered.begin_nested()
        key = alter(tampered, column, chance)
        here = [table.c[name] == value for name, value in zip(keys, key, strict=True)]
        (altered,) = tampered.execute(select(column).where(*here)).scalars().all()
        ((discrepancy),) = map(of_difference, stores.differences(tampered))
        assert (discrepancy.table, discrepancy.what) == (table.name, "changed")
        assert list(discrepancy.key) == keys
        for one in discrepancy.said:
            # Of a column that holds JSON the member, of another the column.
            name, *members = one.column.split(".")
            assert name == column.name
            assert one.ledger != one.table
            assert one.table == _within(altered, members)
            told += 1
        point.rollback()
    assert told >= len(names) - len(keys)


def _within(value: Any, members: list[str]) -> Any:
    for member in members:
        value = value.get(member)
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value


@pytest.mark.requirement("R67")
@pytest.mark.parametrize("table", [table for table, _ in DERIVED], ids=str)
def test_dropped_row_of_the_ledgers_tables_is_located(stores: Stores, tampered: Connection, table: Table) -> None:
    keys = list(table.primary_key.columns)
    key = tuple(random.Random(table.name).choice(tampered.execute(select(*keys).order_by(*keys)).all()))
    tampered.execute(table.delete().where(*(one == value for one, value in zip(keys, key, strict=True))))
    (found,) = stores.differences(tampered)
    assert found == Difference(table.name, key, Change.MISSING)
    names = next(names for one, names in DERIVED if one is table)
    told = of_difference(found)
    assert {*told.key, *(one.column for one in told.said)} == {*names}
    assert all(one.table is None for one in told.said)


@pytest.mark.requirement("R67")
@pytest.mark.parametrize("name", ["accounts", "coins", "data_contracts", "events", "trades", "transactions"])
def test_swapped_rows_of_the_ledgers_tables_are_located(stores: Stores, tampered: Connection, name: str) -> None:
    table, names = next(one for one in DERIVED if one[0].name == name)
    keys = list(table.primary_key.columns)
    first, second = (row._asdict() for row in tampered.execute(select(table).order_by(*keys).limit(2)).all())
    for here, there in ((first, second), (second, first)):
        values = {column: there[column] for column in names if not table.c[column].primary_key}
        tampered.execute(table.update().where(*(key == here[key.name] for key in keys)).values(values))
    found = stores.differences(tampered)
    assert [(one.table, one.key, one.change) for one in found] == [
        (name, tuple(row[key.name] for key in keys), Change.CHANGED) for row in (first, second)
    ]


@pytest.mark.requirement("R67")
def test_rolled_back_database_is_located(stores: Stores, database: Database) -> None:
    """Somebody puts a copy of some blocks ago in its place, sound in itself."""
    height = len(stores.blocks) - 5
    projector = Projector(database, chaincode="countermark")
    for block in stores.blocks[:height]:
        projector.apply(block)
    fill_board(database, stores.board)
    with database.begin() as connection:
        found = stores.differences(connection)
        connection.execute(tables.board.delete().where(tables.board.c.seq >= ANCHORED[0]))
        assert any((one.first, one.last) == (ANCHORED[0], ENTRIES - 1) for one in stores.findings(connection))
    lost = [one.key[0] for one in found if one.table == "blocks"]
    assert lost == list(range(height, len(stores.blocks)))
    assert Difference("checkpoint", (1,), Change.CHANGED, ("block_number", "block_hash")) in found


@pytest.mark.timeout(7_200)
def test_random_flips_anywhere_are_all_located(stores: Stores, tampered: Connection) -> None:
    chance = random.Random(67)
    fields = [column for column in (*FIELDS, *BOARD_FIELDS) if column not in set(ONE_ROW)]
    refused = 0
    for _ in range(FLIPS):
        column = chance.choice(fields)
        point = tampered.begin_nested()
        try:
            key = alter(tampered, column, chance)
        except IntegrityError:
            refused += 1
        else:
            check_located(stores, tampered, column, key)
        point.rollback()
    assert stores.differences(tampered) == []
    assert stores.findings(tampered) == []
    show(
        f"tampering with tables and board: each of {len(fields)} fields, and {FLIPS - refused:,} random flips, all "
        "located; no false alarm"
    )


@pytest.mark.requirement("R67")
def test_every_flipped_bit_of_a_receipt_is_found(stores: Stores, tampered: Connection) -> None:
    receipt: str = tampered.execute(select(tables.board.c.receipt).where(tables.board.c.seq == 0)).scalar_one()
    assert parse_receipt(receipt, market=MARKET, platform=PLATFORM_KEY.address)
    for at, character in enumerate(receipt):
        for bit in range(7):
            flipped = receipt[:at] + chr(ord(character) ^ 1 << bit) + receipt[at + 1 :]
            with pytest.raises(MarketError):
                parse_receipt(flipped, market=MARKET, platform=PLATFORM_KEY.address)
    show(f"tampering with receipts: {7 * len(receipt):,} flips, every bit, all found")
