"""Blocks, state and private data stay in step, whatever happens between their writes."""

import sqlite3
from pathlib import Path

import pytest

from countermark.network.blocks import ReadWriteSet, parse_block, verify_data_hash, verify_link, verify_orderers
from countermark.network.blocks.codes import Code
from countermark.network.blocks.rwsets import PrivateHashes, Write
from countermark.network.embedded.errors import LedgerError, SimulationError
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.rwset import encode_private, encode_writes
from countermark.network.embedded.simulation import Simulation
from countermark.network.envelopes import EndorsedTransaction, Envelope, Proposal
from countermark.network.identities import Consortium
from tests.support.embedded_ledger import NAMESPACE, World, reading, writing


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


def _fill(world: World) -> None:
    world.commit(world.transaction(writing(a="1", b="2")))
    same = world.transaction(reading("a", (1, 0), a="3"))
    world.commit(same, world.transaction(reading("a", (1, 0), a="4")), same)
    world.commit(world.transaction(writing(b="")), b"rubbish")


def test_blocks_form_a_chain_signed_by_the_orderer(world: World) -> None:
    _fill(world)
    orderers = Consortium([world.material.organisation("orderer").msp])
    previous = b""
    for number in range(world.ledger.height):
        block = parse_block(world.ledger.block(number))
        verify_link(block, number=number, previous_hash=previous)
        verify_data_hash(block)
        if number:
            verify_orderers(block, orderers)
        previous = block.header_hash
    assert world.ledger.tip.header_hash == previous


def test_state_is_what_the_valid_transactions_wrote(world: World) -> None:
    _fill(world)
    assert world.codes(2) == [Code.VALID, Code.MVCC_READ_CONFLICT, Code.DUPLICATE_TXID]
    assert world.codes(3) == [Code.VALID, Code.BAD_PAYLOAD]
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
    with pytest.raises(LedgerError, match="broken_chain"):
        Ledger.open(world.material.layout.ledger)


def test_a_damaged_state_database_says_what_to_do(world: World, tmp_path: Path) -> None:
    directory = tmp_path / "damaged"
    directory.mkdir()
    (directory / "state.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerError, match="can be deleted"):
        Ledger.open(directory)


def _private(world: World, proposal: Proposal, value: bytes, *, purge: bool = False) -> bytes:
    """Return a transaction that writes `secret` in `fingerprints`, its private part staged."""
    with world.ledger.state.snapshots.take() as view:
        simulation = Simulation(
            view, world.ledger.private, world.definition, creator_msp="PlatformMSP", peer_msp="PlatformMSP"
        )
        if purge:
            simulation.purge_private("fingerprints", "secret")
        else:
            simulation.put_private("fingerprints", "secret", value)
        results = simulation.results()
    assert results.private is not None
    world.ledger.private.stage(proposal.tx_id, results.private, height=world.ledger.height)
    return world.transaction(results.rwset, proposal=proposal)


def _secret(world: World, *, creator: str = "PlatformMSP", peer: str = "PlatformMSP") -> bytes | None:
    with world.ledger.state.snapshots.take() as view:
        simulation = Simulation(view, world.ledger.private, world.definition, creator_msp=creator, peer_msp=peer)
        return simulation.get_private("fingerprints", "secret")


def test_private_values_stand_in_no_block(world: World) -> None:
    assert world.commit(_private(world, world.proposal(), b"canary-value")) == [Code.VALID]
    assert _secret(world) == b"canary-value"
    for file in world.material.layout.ledger.iterdir():
        if not file.name.startswith("private.db"):
            assert b"canary-value" not in file.read_bytes(), file


def test_private_values_survive_a_restart_between_endorsement_and_commit(world: World) -> None:
    raw = _private(world, world.proposal(), b"1")
    world.ledger = world.reopen().ledger
    assert world.commit(raw) == [Code.VALID]
    assert _secret(world) == b"1"


def test_private_values_survive_a_rebuild_of_the_state(world: World) -> None:
    world.commit(_private(world, world.proposal(), b"1"))
    world.commit(_private(world, world.proposal(), b"2"))
    world.ledger.close()
    for file in world.material.layout.ledger.glob("state.db*"):
        file.unlink()
    world.ledger = Ledger.open(world.material.layout.ledger)
    assert _secret(world) == b"2"


def test_a_purged_value_is_gone_from_the_disk(world: World) -> None:
    world.commit(_private(world, world.proposal(), b"canary-to-purge"))
    assert world.commit(_private(world, world.proposal(), b"", purge=True)) == [Code.VALID]
    assert _secret(world) is None
    world.ledger.close()
    for file in world.material.layout.ledger.iterdir():
        assert b"canary-to-purge" not in file.read_bytes(), file
    world.ledger = Ledger.open(world.material.layout.ledger)


def test_private_values_that_do_not_fit_the_block_are_not_served(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """An endorser stages one value and endorses the hashes of another."""
    proposal = world.proposal()
    raw = _private(world, proposal, b"true")
    other = world.proposal()
    forged = encode_writes([Write(NAMESPACE, "secret", b"false", False)])
    world.ledger.private.stage(other.tx_id, encode_private(NAMESPACE, [("fingerprints", forged)]), height=1)
    hashes = _hashes(raw)
    assert world.commit(world.transaction(hashes, proposal=other)) == [Code.VALID]
    assert "not available" in caplog.text
    with pytest.raises(SimulationError, match="not available"):
        _secret(world)


def _hashes(raw: bytes) -> ReadWriteSet:
    return ReadWriteSet.parse(EndorsedTransaction.parse(Envelope.parse(raw)).response.outcome.results)


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
    assert world.value("a") == b"2"
    with pytest.raises(LedgerError, match="snapshot_ended"):
        view.get(NAMESPACE, "", b"a")


def test_hashes_of_private_reads_are_checked_at_commit(world: World) -> None:
    first = _private(world, world.proposal(), b"1")
    with world.ledger.state.snapshots.take() as view:
        simulation = Simulation(
            view, world.ledger.private, world.definition, creator_msp="PlatformMSP", peer_msp="PlatformMSP"
        )
        assert simulation.get_private("fingerprints", "secret") is None
        simulation.put("seen", b"absent")
        results = simulation.results()
    assert isinstance(results.rwset.private_hashes[0], PrivateHashes)
    second = world.transaction(results.rwset)
    assert world.commit(first, second) == [Code.VALID, Code.MVCC_READ_CONFLICT]
