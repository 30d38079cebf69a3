"""Tables that are gone come back from block 0, byte for byte; what the ledger cannot give is checked against it."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.platform.board.anchoring import AnchorJob
from countermark.platform.board.checking import check_board
from countermark.platform.contracts.restoring import Difference, Restoration
from countermark.platform.projection import Projector
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import select, text
from countermark.protocol.encoding import digest
from countermark.protocol.notices import Notice, parse_notice, sign_notice
from tests.support.figures import show
from tests.support.front import Chain
from tests.support.market import Actor, offer
from tests.support.pictures import fingerprint, photo
from tests.support.platform import MARKET, World
from tests.support.sizes import size

TRANSACTIONS = size(1_000, 100_000)
CONTRACTS = 4
"""As many pictures as there are that do not resemble each other; each is sold again and again."""


def entries(world: World, trade: str, seller: Actor, buyer: Actor) -> None:
    """Put the notices of both parties on the board."""
    record = world.market.trade(trade)
    with world.database.begin() as connection:
        for who, role in ((seller, "seller"), (buyer, "buyer")):
            notice = Notice(
                role=role,
                trade=trade,
                seller=record["seller"],
                buyer=record["buyer"],
                listing=record["listing"],
                platform=world.platform.address,
                fingerprint_root=digest(trade.encode()),
                claimed_at_ms=world.clock(),
                verdict=None if role == "seller" else "match",
            )
            token, _ = sign_notice(who.key, notice, market=MARKET)
            signed = parse_notice(token, market=MARKET, platform=world.platform.address)
            world.board.append(connection, signed, received_at_ms=world.clock())


def trade_on(world: World, until: int) -> None:
    """Let contracts change hands between two parties until the ledger has so many transactions."""
    market, job = world.market, AnchorJob(world.acting, world.board)
    names = ("coffee", "rocket", "astronaut", "chelsea")[:CONTRACTS]
    owners = {world.register(market.seller, fingerprint(photo(name))).address: market.seller for name in names}
    while len(world.channel.blocks_made) < until:
        for listing, seller in owners.items():
            buyer = market.buyer if seller is market.seller else market.seller
            trade = market.pay(listing, buyer)
            market.act("trade.charge", trade, seller)
            for act in ("send", "relay", "ack", "check", "confirm"):
                market.act(f"trade.{act}", trade)
            entries(world, trade, seller, buyer)
            market.ask(buyer, "listing.relist", {"listing": listing, "offer": offer()})
            owners[listing] = buyer
        job.run_once()
        world.finish()


def ledger_derived(database: Database) -> dict[str, str]:
    """Return a digest of each ledger-derived part of the database, over the bytes that PostgreSQL writes of it."""
    parts = {table: table.columns.keys() for table in tables.LEDGER_TABLES}
    parts[tables.data_contracts] = ["address", *tables.CONTRACT_LEDGER_COLUMNS]
    digests = {}
    with database.begin() as connection:
        cursor = connection.connection.cursor()
        for table, columns in parts.items():
            query = select(*(table.c[name] for name in columns)).order_by(*table.primary_key.columns)
            out = io.BytesIO()
            cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH (FORMAT binary)", out)
            digests[table.name] = hashlib.sha256(out.getvalue()).hexdigest()
    return digests


def decrypted(world: World) -> Iterator[tuple[object, ...]]:
    """Yield what the private columns of each contract say."""
    for row in sorted(world.rows(tables.data_contracts), key=lambda row: row.address):
        columns = world.columns
        yield (row.address, columns.opening(row), columns.description(row), columns.salt_d(row), row.fingerprint_root)


@pytest.mark.slow
@pytest.mark.timeout(size(900, 6 * 3_600))
def test_dropped_tables_come_back_from_block_0_byte_for_byte(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path)
    trade_on(world, TRANSACTIONS)
    source, height = Chain(world.channel), len(world.channel.blocks_made)
    before, private = ledger_derived(database), list(decrypted(world))

    with database.begin() as connection:
        for table in (*tables.LEDGER_TABLES, tables.data_contracts):
            connection.execute(text(f"DROP TABLE {table.name}"))
    rebuilt = Projector(database, chaincode="countermark").rebuild(source, height=source.height)
    assert rebuilt.height == height
    assert ledger_derived(database) == before

    restoration = Restoration(database=database, ledger=source, box=world.box, keys=world.keys, market=MARKET)
    assert {contract.differences for contract in restoration.run()} == {(Difference.RESTORED,)}
    assert list(decrypted(world)) == private
    assert {contract.differences for contract in restoration.run()} == {()}

    with database.begin() as connection:
        board = check_board(connection, world.board, market=MARKET, platform=world.platform.address)
    assert board.holds
    assert board.entries > board.anchors > 1
    # A second rebuild, of whole tables, finds nothing to change.
    assert Projector(database, chaincode="countermark").rebuild(source, height=source.height).same
    show(
        f"rebuild from block 0: {height} transactions, {len(private)} contracts restored, {len(before)} tables "
        f"byte-equal, board of {board.entries} entries equal to {board.anchors} anchors"
    )
