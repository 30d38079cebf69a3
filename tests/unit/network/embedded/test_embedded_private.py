"""Private values: there as long as they are wanted, and gone from the disk when they are not."""

import hashlib
import random
from pathlib import Path

import pytest

from countermark.network.blocks import ReadWriteSet
from countermark.network.blocks.codes import Code
from countermark.network.blocks.rwsets import PrivateHashes, PrivateWrite, Write
from countermark.network.embedded.errors import SimulationError
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.ledger.private import STAGED_BLOCKS, PrivateStore, PrivateWrites
from countermark.network.embedded.rwset_encoding import encode_private, encode_writes
from countermark.network.embedded.simulation import Simulation
from countermark.network.envelopes import EndorsedTransaction, Envelope
from tests.support.embedded_ledger import NAMESPACE, World, read_private, write_private


def test_private_values_stand_in_no_block(world: World) -> None:
    assert world.commit(write_private(world, world.proposal(), b"canary-value")) == [Code.VALID]
    assert read_private(world) == b"canary-value"
    for file in world.material.layout.ledger.iterdir():
        if not file.name.startswith("private.db"):
            assert b"canary-value" not in file.read_bytes(), file


def test_private_values_survive_a_restart_between_endorsement_and_commit(world: World) -> None:
    raw = write_private(world, world.proposal(), b"1")
    world.ledger = world.reopen().ledger
    assert world.commit(raw) == [Code.VALID]
    assert read_private(world) == b"1"


def test_private_values_survive_a_rebuild_of_the_state(world: World) -> None:
    world.commit(write_private(world, world.proposal(), b"1"))
    world.commit(write_private(world, world.proposal(), b"2"))
    world.ledger.close()
    for file in world.material.layout.ledger.glob("state.db*"):
        file.unlink()
    world.ledger = Ledger.open(world.material.layout.ledger)
    assert read_private(world) == b"2"


def _where(world: World, canary: bytes) -> list[str]:
    """Return the names of the ledger's files in which the bytes stand, while all of them are in use."""
    return [file.name for file in world.material.layout.ledger.iterdir() if canary in file.read_bytes()]


def test_a_purged_value_is_in_no_file_as_soon_as_the_purge_is_committed(world: World) -> None:
    world.commit(write_private(world, world.proposal(), b"canary-to-purge"))
    assert _where(world, b"canary-to-purge") == ["private.db-wal"]
    assert world.commit(write_private(world, world.proposal(), b"", purge=True)) == [Code.VALID]
    assert read_private(world) is None
    assert _where(world, b"canary-to-purge") == []


def test_a_value_that_is_purged_in_the_block_that_wrote_it_is_in_no_file(world: World) -> None:
    both = [
        write_private(world, world.proposal(), b"canary-to-purge"),
        write_private(world, world.proposal(), b"", purge=True),
    ]
    assert world.commit(*both) == [Code.VALID, Code.VALID]
    assert read_private(world) is None
    assert _where(world, b"canary-to-purge") == []


def test_purged_values_leave_no_copies_where_rows_were_moved(tmp_path: Path) -> None:
    """A b-tree that is filled and thinned out moves rows, and what it moved stays in the old place for a while."""
    chance = random.Random(0)
    store = PrivateStore(tmp_path / "private.db")
    here: list[str] = []
    purged: list[bytes] = []
    for block in range(1, 200):
        key = f"{chance.getrandbits(128):032x}"
        canary = f"canary-{key}-".encode()
        value = canary * chance.choice((1, 5, 20, 40, 80, 150))
        store.stage(key, _staged(key, value), height=block)
        if chance.random() < 0.9:
            assert store.commit(block, [_written(key, value, block)]) == []
            here.append(key)
        if here and chance.random() < 0.6:
            gone = here.pop(chance.randrange(len(here)))
            assert store.commit(block, [_purge(gone, block + 1)]) == []
            purged.append(f"canary-{gone}-".encode())
            data = b"".join(file.read_bytes() for file in tmp_path.iterdir())
            assert [canary for canary in purged if canary in data] == []
            assert all(f"canary-{key}-".encode() in data for key in here)
    store.close()


def test_a_crash_between_a_purge_and_the_erasure_is_made_good_at_the_next_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.commit(write_private(world, world.proposal(), b"canary-to-purge"))
    purge = write_private(world, world.proposal(), b"", purge=True)

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("countermark.network.embedded.ledger.private.PrivateStore._erase", killed)
        with pytest.raises(KeyboardInterrupt):
            world.commit(purge)
    assert _where(world, b"canary-to-purge") == ["private.db-wal"]
    # The first process is not closed, for closing would tidy up: it was killed.
    crashed, world.ledger = world.ledger, Ledger.open(world.material.layout.ledger)
    assert _where(world, b"canary-to-purge") == []
    assert read_private(world) is None
    crashed.close()


def test_a_purge_that_is_replayed_leaves_what_was_written_after_it(world: World) -> None:
    """After a power loss the private data may be ahead of the state, which is then replayed."""
    world.commit(write_private(world, world.proposal(), b"1"))
    world.commit(write_private(world, world.proposal(), b"", purge=True))
    world.commit(write_private(world, world.proposal(), b"2"))
    world.ledger.close()
    for file in world.material.layout.ledger.glob("state.db*"):
        file.unlink()
    world.ledger = Ledger.open(world.material.layout.ledger)
    assert read_private(world) == b"2"


def test_what_never_commits_is_gone_after_a_thousand_blocks_even_if_none_has_private_writes(tmp_path: Path) -> None:
    store = PrivateStore(tmp_path / "private.db")
    store.stage("never", _staged("never", b"canary-never"), height=10)
    for block in range(10, 9 + STAGED_BLOCKS):
        store.commit(block, [])
    store.close()
    store = PrivateStore(tmp_path / "private.db")
    assert b"canary-never" in (tmp_path / "private.db").read_bytes()
    store.commit(9 + STAGED_BLOCKS, [])
    assert not any(b"canary-never" in file.read_bytes() for file in tmp_path.iterdir())
    store.close()


def test_what_commits_in_the_last_of_a_thousand_blocks_is_kept(tmp_path: Path) -> None:
    store = PrivateStore(tmp_path / "private.db")
    store.stage("late", _staged("late", b"value"), height=10)
    store.commit(8 + STAGED_BLOCKS, [])
    assert store.commit(9 + STAGED_BLOCKS, [_written("late", b"value", 9 + STAGED_BLOCKS)]) == []
    store.close()


def _staged(key: str, value: bytes) -> bytes:
    return encode_private(NAMESPACE, [("fingerprints", encode_writes([Write(NAMESPACE, key, value, False)]))])


def _written(key: str, value: bytes, block: int) -> PrivateWrites:
    encoded = encode_writes([Write(NAMESPACE, key, value, False)])
    write = PrivateWrite(_sha256(key.encode()), _sha256(value), False, False)
    return PrivateWrites(key, (block, 0), PrivateHashes(NAMESPACE, "fingerprints", (), (write,), _sha256(encoded)))


def _purge(key: str, block: int) -> PrivateWrites:
    write = PrivateWrite(_sha256(key.encode()), b"", True, True)
    return PrivateWrites(f"purge-{key}", (block, 0), PrivateHashes(NAMESPACE, "fingerprints", (), (write,), b""))


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_private_values_that_do_not_fit_the_block_are_not_served(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """An endorser stages one value and endorses the hashes of another."""
    proposal = world.proposal()
    raw = write_private(world, proposal, b"true")
    other = world.proposal()
    forged = encode_writes([Write(NAMESPACE, "secret", b"false", False)])
    world.ledger.private.stage(other.tx_id, encode_private(NAMESPACE, [("fingerprints", forged)]), height=1)
    hashes = _hashes(raw)
    assert world.commit(world.transaction(hashes, proposal=other)) == [Code.VALID]
    assert "not available" in caplog.text
    with pytest.raises(SimulationError, match="not available"):
        read_private(world)


def _hashes(raw: bytes) -> ReadWriteSet:
    return ReadWriteSet.parse(EndorsedTransaction.parse(Envelope.parse(raw)).response.outcome.results)


def test_hashes_of_private_reads_are_checked_at_commit(world: World) -> None:
    first = write_private(world, world.proposal(), b"1")
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
