"""Private columns against the collection: equal after decryption, restored where lost, and never from a lie."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from countermark.platform.contracts.publication import PublicationJob
from countermark.platform.contracts.restoring import KIND, Contract, Difference, Restoration
from countermark.platform.ports import RefusedError
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Row, delete, update
from countermark.protocol import canonical
from countermark.protocol.commitments import Opening
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import seal
from tests.support.front import Chain
from tests.support.pictures import fingerprint, photo
from tests.support.platform import MARKET, Peer, World

CONTRACTS, ITEMS = tables.data_contracts, tables.item_fingerprints
PRIVATE = ("description", "salt_d", "fingerprint", "fingerprint_root")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    world = World(database, tmp_path)
    for name in ("coffee", "rocket"):
        world.register(world.market.seller, fingerprint(photo(name)), title=f"Photo of {name}")
    PublicationJob(world.database, columns=world.columns).run_once()
    return world


@pytest.fixture
def restoration(world: World) -> Restoration:
    return Restoration(database=world.database, ledger=world.ledger, box=world.box, keys=world.keys, market=MARKET)


def rows(world: World) -> list[Row[tuple[object, ...]]]:
    return sorted(world.rows(CONTRACTS), key=lambda row: row.address)


def decrypted(world: World) -> list[tuple[object, ...]]:
    return [
        (
            row.address,
            world.columns.opening(row),
            world.columns.description(row),
            world.columns.salt_d(row),
            bytes(row.fingerprint_root),
            row.registered_ms,
        )
        for row in rows(world)
    ]


def change(world: World, address: str, **columns: object) -> None:
    with world.database.begin() as connection:
        connection.execute(update(CONTRACTS).where(CONTRACTS.c.address == address).values(columns))


def differences(found: Iterator[Contract]) -> dict[str, tuple[Difference, ...]]:
    return {contract.address: contract.differences for contract in found}


def test_columns_that_nobody_touched_equal_the_collection(world: World, restoration: Restoration) -> None:
    first, second = rows(world)
    assert differences(restoration.run()) == {first.address: (), second.address: ()}


@pytest.mark.parametrize("column", [*PRIVATE, "search_text"])
@pytest.mark.parametrize("damage", ["lost", "of another contract", "damaged"])
def test_each_column_is_restored_to_what_it_said(
    world: World, restoration: Restoration, column: str, damage: str
) -> None:
    before = decrypted(world)
    first, second = rows(world)
    value = getattr(first, column)
    changed = {
        "lost": None,
        "of another contract": getattr(second, column),
        "damaged": value + "?" if column == "search_text" else value[:-1] + bytes([value[-1] ^ 1]),
    }[damage]
    change(world, first.address, **{column: changed})
    # Before its words are looked for, a description has no text in clear: that is no difference.
    expected = () if (column, damage) == ("search_text", "lost") else (Difference.RESTORED,)
    assert differences(restoration.run())[first.address] == expected
    assert differences(restoration.run()) == {first.address: (), second.address: ()}
    assert decrypted(world) == before
    PublicationJob(world.database, columns=world.columns).run_once()
    assert [row.search_text for row in rows(world)] == [first.search_text, second.search_text]


def test_a_contract_whose_row_is_gone_gets_all_of_it_back(world: World, restoration: Restoration) -> None:
    before = decrypted(world)
    with world.database.begin() as connection:
        connection.execute(delete(CONTRACTS))
    assert world.channel.projector is not None
    world.channel.projector.rebuild(Chain(world.channel))
    assert set(differences(restoration.run()).values()) == {(Difference.RESTORED,)}
    assert decrypted(world) == before


def test_a_dry_run_changes_nothing(world: World, restoration: Restoration) -> None:
    address = rows(world)[0].address
    change(world, address, description=None)
    assert differences(restoration.run(dry_run=True))[address] == (Difference.RESTORED,)
    assert rows(world)[0].description is None


@pytest.mark.parametrize("how", ["lost", "damaged", "swapped"])
def test_item_fingerprints_that_do_not_give_the_root_are_told(
    world: World, restoration: Restoration, how: str
) -> None:
    first, second = rows(world)
    of_first = ITEMS.c.address == first.address
    with world.database.begin() as connection:
        if how == "lost":
            connection.execute(delete(ITEMS).where(of_first))
        elif how == "damaged":
            connection.execute(update(ITEMS).where(of_first).values(segments=b"\x01" + bytes(60)))
        else:
            connection.execute(update(ITEMS).where(of_first).values(address="dc1elsewhere"))
            connection.execute(update(ITEMS).where(ITEMS.c.address == second.address).values(address=first.address))
    found = differences(restoration.run())
    assert found[first.address] == (Difference.ITEMS,)


class Untrue(Peer):
    """A peer whose collection has `answer` for every contract, None: nothing."""

    answer: Opening | None = None

    def evaluate(self, function: str, args: Sequence[bytes], **options: Any) -> bytes:
        if self.answer is None:
            raise RefusedError("", MarketError(ErrorCode.UNKNOWN_LISTING, "there is no opening of such a listing"))
        key = args[1].decode()
        return canonical.dumps(seal(key, self.answer.to_json(), kind=KIND, market=MARKET, key_version=1))


def test_an_opening_that_the_ledger_does_not_commit_to_restores_nothing(world: World) -> None:
    """A peer that answers with another opening cannot bring it into the tables."""
    first, _ = rows(world)
    peer = Untrue(world.channel)
    peer.answer = replace(world.columns.opening(first), exact=b"x" * 32)
    change(world, first.address, description=None)
    restoration = Restoration(database=world.database, ledger=peer, box=world.box, keys=world.keys, market=MARKET)
    assert set(differences(restoration.run()).values()) == {(Difference.UNPROVEN,)}
    assert rows(world)[0].description is None


@pytest.mark.parametrize("nulled", [True, False])
def test_what_was_erased_stays_erased(world: World, nulled: bool) -> None:
    first, _ = rows(world)
    if nulled:
        change(world, first.address, **dict.fromkeys(PRIVATE))
        with world.database.begin() as connection:
            items = tables.item_fingerprints
            connection.execute(items.delete().where(items.c.address == first.address))
    restoration = Restoration(
        database=world.database, ledger=Untrue(world.channel), box=world.box, keys=world.keys, market=MARKET
    )
    expected = () if nulled else (Difference.UNCOLLECTED,)
    assert differences(restoration.run())[first.address] == expected
    assert (rows(world)[0].description is None) is nulled
