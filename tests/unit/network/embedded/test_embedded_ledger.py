"""Blocks, state and private data stay in step, whatever happens between their writes."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2

from countermark.network.blocks import (
    build_block,
    parse_block,
    read_config,
    verify_commit_hash,
    verify_data_hash,
    verify_link,
    verify_orderers,
    with_validation_codes,
)
from countermark.network.blocks.codes import Code
from countermark.network.embedded.errors import StorageError
from countermark.network.embedded.ledger.blockfile import BlockFile
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.services.deliver import filtered_block
from countermark.network.envelopes import Envelope, build_payload, sign_payload
from tests.support.embedded_ledger import NAMESPACE, World, reading, write_private, writing


def _tables(ledger: Ledger, path: Path) -> dict[str, list[tuple[object, ...]]]:
    assert ledger.height
    with sqlite3.connect(path) as connection:
        queries = {
            "state": "SELECT * FROM state ORDER BY namespace, collection, key",
            "history": "SELECT * FROM history ORDER BY namespace, key, block, position",
            "transactions": "SELECT * FROM transactions ORDER BY tx_id",
            "blocks": "SELECT * FROM blocks ORDER BY number",
        }
        return {table: connection.execute(query).fetchall() for table, query in queries.items()}


RUBBISH = common_pb2.Envelope(payload=b"rubbish", signature=b"rubbish").SerializeToString()


def _fill(world: World) -> None:
    world.commit(world.transaction(writing(a="1", b="2")))
    same = world.transaction(reading("a", (1, 0), a="3"))
    world.commit(same, world.transaction(reading("a", (1, 0), a="4")), same)
    headless = sign_payload(world.client, build_payload(world.proposal().header, b"\xff")).serialized
    world.commit(world.transaction(writing(b="")), RUBBISH, headless, _forged(world))


def _forged(world: World) -> bytes:
    """An envelope whose signature is somebody else's."""
    envelope = Envelope.parse(world.transaction(writing(a="1")))
    return replace(envelope, signature=world.identity("trader", "gateway").sign(envelope.payload)).serialized


def test_blocks_form_a_chain_signed_by_the_orderer(world: World) -> None:
    _fill(world)
    config, previous = read_config(parse_block(world.ledger.block(0))), b""
    for number in range(world.ledger.height):
        block = parse_block(world.ledger.block(number))
        verify_link(block, number=number, previous_hash=previous)
        verify_data_hash(block)
        if number:
            verify_orderers(block, config)
        previous = block.header_hash
    assert world.ledger.tip.header_hash == previous


def test_state_is_what_the_valid_transactions_wrote(world: World) -> None:
    _fill(world)
    assert world.codes(2) == [Code.VALID, Code.MVCC_READ_CONFLICT, Code.DUPLICATE_TXID]
    assert world.codes(3) == [
        Code.VALID,
        Code.BAD_PAYLOAD,
        Code.INVALID_ENDORSER_TRANSACTION,
        Code.BAD_CREATOR_SIGNATURE,
    ]
    assert (world.value("a"), world.value("b")) == (b"3", None)


def test_a_reopened_ledger_goes_on_where_it_was(world: World) -> None:
    _fill(world)
    tip = world.ledger.tip
    again = world.reopen()
    assert again.ledger.tip == tip
    assert again.commit(again.transaction(reading("a", (2, 0), a="5"))) == [Code.VALID]
    world.ledger = again.ledger


def test_a_state_that_was_lost_is_rebuilt_the_same(world: World) -> None:
    _fill(world)
    path = world.material.layout.ledger / "state.db"
    before = _tables(world.ledger, path)
    world.ledger.close()
    for file in path.parent.glob("state.db*"):
        file.unlink()
    world.ledger = Ledger.open(world.material.layout.ledger)
    assert _tables(world.ledger, path) == before


def test_an_envelope_without_a_body_keeps_its_id_when_the_state_is_rebuilt(world: World) -> None:
    proposal = world.proposal()
    world.commit(sign_payload(world.client, build_payload(proposal.header, b"\xff")).serialized)
    before = world.ledger.transaction(proposal.tx_id)
    assert before is not None
    assert before.code == Code.INVALID_ENDORSER_TRANSACTION
    world.ledger.close()
    for file in world.material.layout.ledger.glob("state.db*"):
        file.unlink()
    world.ledger = Ledger.open(world.material.layout.ledger)
    assert world.ledger.transaction(proposal.tx_id) == before
    (entry,) = filtered_block(world.ledger.block(1)).filtered_block.filtered_transactions
    assert (entry.txid, entry.tx_validation_code) == (proposal.tx_id, Code.INVALID_ENDORSER_TRANSACTION)


def test_every_block_after_the_first_carries_the_running_hash(world: World) -> None:
    _fill(world)
    assert world.commit(write_private(world, world.proposal(), b"1"), write_private(world, world.proposal(), b"2"))
    again = world.reopen()
    again.commit(again.transaction(writing(c="1")))
    previous = b""
    for number in range(again.ledger.height):
        block = parse_block(again.ledger.block(number))
        verify_commit_hash(block, previous=previous)
        assert bool(block.commit_hash) is (number > 0)
        previous = block.commit_hash
    assert again.ledger.tip.commit_hash == previous
    world.ledger = again.ledger


def test_a_verdict_changed_in_the_block_file_is_found_on_replay(world: World) -> None:
    _fill(world)
    block = world.ledger.block(2)
    wire = common_pb2.Block.FromString(block)
    wire.metadata.metadata[2] = bytes([Code.VALID, Code.VALID, Code.DUPLICATE_TXID])
    directory = world.directory / "copy"
    directory.mkdir()
    copy = BlockFile(directory / "blocks.bin")
    for data in (world.ledger.block(0), world.ledger.block(1), wire.SerializeToString()):
        copy.append(data)
    copy.close()
    with pytest.raises(StorageError, match=r"block 2.*commit_hash_mismatch"):
        Ledger.open(directory)


def test_a_ledger_that_was_begun_without_the_running_hash_goes_on_without(world: World) -> None:
    """As those that earlier versions have written."""
    directory = world.material.layout.ledger
    raw = world.transaction(writing(a="1"))
    genesis = world.ledger.tip
    data = build_block(1, genesis.header_hash, [raw], last_config=0, orderer=world.identity("orderer", "orderer0"))
    world.ledger._file.append(with_validation_codes(data, [Code.VALID]))
    world.ledger = world.reopen().ledger
    assert (world.ledger.height, world.value("a")) == (2, b"1")
    assert world.commit(world.transaction(reading("a", (1, 0), a="2"))) == [Code.VALID]
    assert parse_block(world.ledger.block(2)).commit_hash == b""
    for file in directory.glob("state.db*"):
        file.unlink()
    world.ledger = world.reopen().ledger
    assert world.value("a") == b"2"


def test_a_state_that_is_behind_is_caught_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a kill between the sync of the block and the commit of the state."""
    _fill(world)
    raw = world.transaction(reading("a", (2, 0), a="late"))

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("countermark.network.embedded.ledger.state.StateUpdate.add_block", killed)
        with pytest.raises(KeyboardInterrupt):
            world.commit(raw)
    assert world.value("a") == b"3"
    world.ledger = world.reopen().ledger
    assert world.ledger.height == 5
    assert world.value("a") == b"late"
    assert world.commit(raw) == [Code.DUPLICATE_TXID]


def test_a_torn_last_block_never_happened(world: World) -> None:
    _fill(world)
    path = world.material.layout.ledger / "blocks.bin"
    with path.open("ab") as stream:
        stream.write(b"CMB1\x00\x00\x01\x00torn")
    world.ledger = world.reopen().ledger
    assert world.ledger.height == 4
    assert world.commit(world.transaction(writing(a="6"))) == [Code.VALID]


def test_a_block_of_another_chain_is_refused(world: World, tmp_path: Path) -> None:
    _fill(world)
    other = World(tmp_path / "other")
    other.commit(other.transaction(writing(a="1")))
    foreign = other.ledger.block(1)
    other.ledger.close()
    world.ledger._file.append(foreign)
    with pytest.raises(StorageError, match="broken_chain"):
        Ledger.open(world.material.layout.ledger)


@pytest.mark.parametrize(
    ("name", "remedy"), [("state.db", "can be deleted, it is rebuilt"), ("private.db", "from a backup")]
)
def test_a_damaged_database_says_what_to_do_and_leaves_nothing_open(tmp_path: Path, name: str, remedy: str) -> None:
    (tmp_path / name).write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match=f"database_damaged.*{name}.*{remedy}"):
        Ledger.open(tmp_path)
    assert _open_files(tmp_path) == []


def test_a_database_that_is_damaged_further_in_is_one_error_too(world: World) -> None:
    _fill(world)
    world.ledger.close()
    path = world.material.layout.ledger / "state.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StorageError, match="database_damaged"):
        world.reopen()
    assert _open_files(world.directory) == []


def _open_files(directory: Path) -> list[Path]:
    links = [Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names, not files
    # The descriptor by which the folder was listed is gone.
    return [link.readlink() for link in links if link.is_symlink() and link.readlink().is_relative_to(directory)]


def test_a_start_that_is_broken_off_leaves_nothing_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(world)
    world.ledger.close()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("countermark.network.embedded.ledger.state.StateStore.last_block", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Ledger.open(world.material.layout.ledger)
    assert _open_files(world.directory) == []
    world.ledger = Ledger.open(world.material.layout.ledger)


def test_the_names_of_new_files_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[Path, bool]] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path, (tmp_path / "a/ledger/private.db").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    Ledger.open(tmp_path / "a/ledger").close()
    assert [path for path, _ in synced] == [tmp_path, tmp_path / "a", tmp_path / "a/ledger"]
    assert synced[-1][1], "synced when all three files were there"


def test_history_goes_back_to_the_first_write(world: World) -> None:
    _fill(world)
    with world.ledger.state.snapshots.take() as view:
        a = [(row.version, row.is_delete, row.value) for row in view.history(NAMESPACE, "a", limit=10)]
        b = [(row.version, row.is_delete, row.value) for row in view.history(NAMESPACE, "b", limit=10)]
    assert a == [((2, 0), False, b"3"), ((1, 0), False, b"1")]
    assert b == [((3, 0), True, b""), ((1, 0), False, b"2")]


def test_a_snapshot_stays_as_it_was_taken(world: World) -> None:
    world.commit(world.transaction(writing(a="1")))
    with world.ledger.state.snapshots.take() as view:
        world.commit(world.transaction(writing(a="2")))
        found = view.get(NAMESPACE, "", b"a")
        assert found is not None
        assert found.value == b"1"
        assert view.get_many(NAMESPACE, ["a", "absent"])["a"] == found
    assert world.value("a") == b"2"
    with pytest.raises(StorageError, match="snapshot_ended"):
        view.get(NAMESPACE, "", b"a")
    with pytest.raises(StorageError, match="snapshot_ended"):
        view.get_many(NAMESPACE, ["a"])


def test_a_ledger_whose_tables_have_no_row_numbers_goes_on(world: World) -> None:
    """Earlier versions made them so."""
    _fill(world)
    expected = world.ledger.state.last_block()
    world.ledger.close()
    file = world.material.layout.ledger / "state.db"
    with closing(sqlite3.connect(file)) as database:
        for name in ("state", "history"):
            (script,) = database.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
            database.execute(f"ALTER TABLE {name} RENAME TO old")
            database.execute(f"{script} WITHOUT ROWID")
            database.execute(f"INSERT INTO {name} SELECT * FROM old")  # noqa: S608 - one of two fixed names
            database.execute("DROP TABLE old")
        database.commit()
    world.ledger = Ledger.open(world.material.layout.ledger)
    assert world.ledger.state.last_block() == expected
    assert world.commit(world.transaction(writing(a="4", b="5"))) == [Code.VALID]
    assert (world.value("a"), world.value("b")) == (b"4", b"5")
