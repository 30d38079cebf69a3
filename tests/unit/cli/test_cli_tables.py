"""The operator's command that makes the tables anew: what it says, what it repairs, and what it cannot."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Executable

from countermark.cli import tables as command
from countermark.client import account, deliveries, listings, purchases
from countermark.gateway.services import PlatformServices
from countermark.platform.store import tables
from countermark.platform.store.sql import delete, insert, text, update
from countermark.protocol.board_proofs import Inclusion
from tests.support.front import Front
from tests.unit.cli.conftest import Run

TERMS = listings.Terms(100, {})


@pytest.fixture
def sold(front: Front, monkeypatch: pytest.MonkeyPatch) -> str:
    """A contract on the market whose seller's notice for a sale stands on the board under an anchor."""
    seller, buyer = front.trader("seller"), front.trader("buyer")
    for who in (seller, buyer):
        account.fund(who.market, "50000", f"deposit-{who.address[-8:]}")
    made = listings.create(seller.market, seller.vault, front.photograph, TERMS, listings.Words("A title"))
    listing = str(made.result["id"])
    listings.charge(seller.market, listing)
    trade = str(purchases.buy(buyer.market, buyer.vault, listing).result["id"])
    deliveries.charge(seller.market, seller.trade(trade))
    deliveries.send(seller.market, seller.keys, seller.vault, seller.trade(trade), front.folder / "packages")
    front.work()

    @contextmanager
    def services(_data: Path | None) -> Iterator[PlatformServices]:
        yield front.services

    monkeypatch.setattr(command, "platform_services", services)
    return listing


def execute(front: Front, *statements: Executable) -> None:
    with front.services.database.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def test_whole_tables_are_told_to_be_whole(run: Run, front: Front, sold: str) -> None:
    document = run("tables", "rebuild", "--json").json
    assert document["same"]
    assert document["before"] == document["after"]
    assert document["height"] == len(front.channel.blocks_made)
    assert document["contracts"] == {"compared": 1, "different": []}
    assert document["board"] == {"entries": 1, "anchors": 1, "head_fits": True, "faults": []}


def test_forged_and_lost_rows_are_repaired_and_named(run: Run, front: Front, sold: str) -> None:
    good = run("tables", "rebuild", "--json").json["after"]
    execute(
        front,
        update(tables.coins).values(owner="thief"),
        update(tables.data_contracts).values(price=1, description=None),
        text("DROP TABLE trades"),
    )
    result = run("tables", "rebuild", "--json")
    assert result.status == 0
    document = result.json
    assert (document["same"], document["created"], document["after"]) == (False, ["trades"], good)
    assert document["before"] != good
    assert document["contracts"]["different"] == [{"listing": sold, "differences": ["restored"]}]
    assert run("tables", "rebuild", "--json").json["same"]


def test_a_dry_run_ends_with_status_1_where_there_is_something_to_repair(run: Run, front: Front, sold: str) -> None:
    assert run("tables", "rebuild", "--dry-run").status == 0
    execute(front, update(tables.coins).values(owner="thief"))
    for _ in range(2):
        result = run("tables", "rebuild", "--dry-run")
        assert result.status == 1
        assert "they were different" in result.out


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(update(tables.board).values(leaf_hash=bytes(32)), "leaf", id="an entry was rewritten"),
        pytest.param(delete(tables.board), "truncated", id="entries are gone"),
        pytest.param(update(tables.board_head).values(size=7), "its head is not", id="the head is another"),
        pytest.param(delete(tables.item_fingerprints), "items", id="fingerprints are gone"),
    ],
)
def test_what_the_ledger_cannot_give_back_is_told_with_status_1(
    run: Run, front: Front, sold: str, damage: object, told: str
) -> None:
    execute(front, damage)
    result = run("tables", "rebuild")
    assert result.status == 1
    assert told in result.out


def test_hashes_over_the_boards_entries_are_made_again(run: Run, front: Front, sold: str) -> None:
    execute(front, insert(tables.board_nodes).values(level=1, position=0, hash=bytes(32)))
    result = run("tables", "rebuild", "--dry-run")
    assert result.status == 1
    assert "entries 1 to 1  node" in result.out
    assert run("tables", "rebuild").status == 0
    assert run("tables", "rebuild", "--dry-run").status == 0


@pytest.mark.requirement("R67")
def test_the_platform_answers_to_a_receipt(run: Run, front: Front, sold: str, tmp_path: Path) -> None:
    out = tmp_path / "answer"
    told = run("tables", "prove", 0, "-o", out, "--json").json
    shown = Inclusion.from_json(json.loads(out.read_text()))
    shown.check()
    (anchor,) = front.world.rows(tables.anchors)
    assert (shown.seq, shown.tree.size, told["root"]) == (0, anchor.size, anchor.root)
    assert run("tables", "prove", 0, "-o", out).status == 2
    assert run("tables", "prove", 1, "-o", tmp_path / "none").status == 3
    execute(front, update(tables.board).values(leaf_hash=bytes(32)))
    damaged = run("tables", "prove", 0, "-o", tmp_path / "none")
    assert damaged.status == 1
    assert "the board is damaged" in damaged.err
    assert not (tmp_path / "none").exists()


def test_without_its_ledger_nothing_is_touched(run: Run, front: Front, sold: str) -> None:
    execute(front, update(tables.coins).values(owner="thief"))
    front.channel.away = True
    result = run("tables", "rebuild")
    assert result.status == 1
    assert "the platform must be running" in result.err
    front.channel.away = False
    assert not run("tables", "rebuild", "--dry-run", "--json").json["same"]


def test_a_ledger_that_ends_before_the_tables_is_not_believed(run: Run, front: Front, sold: str) -> None:
    rolled_back = front.channel.blocks_made.pop()
    result = run("tables", "rebuild")
    assert result.status == 1
    assert "another one; nothing was changed" in result.err
    front.channel.blocks_made.append(rolled_back)
    assert run("tables", "rebuild", "--json").json["same"]


def test_files_of_the_tables_hold_nothing_of_before_once_they_are_written_anew(
    run: Run, front: Front, sold: str
) -> None:
    words = "canary of the files"
    execute(front, update(tables.data_contracts).values(search_text=words))
    execute(front, update(tables.data_contracts).values(search_text=""))
    assert words.encode() in _files(front)
    assert run("tables", "compact", "--dry-run", "--json").json["dry_run"]
    assert words.encode() in _files(front)
    assert run("tables", "compact").first == "data_contracts"
    assert words.encode() not in _files(front)
    assert run("tables", "rebuild", "--json").json["same"]


def _files(front: Front) -> bytes:
    """Return what the files of the database's tables hold, and not those of the log."""
    execute(front, text("CHECKPOINT"))
    with front.services.database.begin() as connection:
        folder = connection.execute(text("SHOW data_directory")).scalar_one()
        number = connection.execute(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        ).scalar_one()
    return b"".join(path.read_bytes() for path in (Path(folder) / "base" / str(number)).iterdir())


def test_a_folder_without_a_platform_is_a_mistake_of_usage(run: Run, tmp_path: Path) -> None:
    result = run("tables", "rebuild", "--data", tmp_path)
    assert result.status == 2
    assert str(tmp_path) in result.err
