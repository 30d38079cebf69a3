"""Books on disk are those in memory, only elsewhere; and what is in memory does not grow with the ledger."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.audit import disk
from countermark.audit.books import MemoryBooks
from countermark.audit.disk import DiskBooks
from countermark.audit.money import count_money
from countermark.audit.replay import Replay
from countermark.network.blocks import parse_block
from tests.fixtures.fabric_blocks import JOINED, TWO_MARKETS, recorded
from tests.support.bundled import bundled
from tests.support.figures import show
from tests.support.market import Market
from tests.support.signed_ledger import SignedLedger, sell
from tests.support.sizes import size
from tests.unit.network.consortium import Network

KEYS = ("a", "b", "b/1", "b\x00", "bä", "ä", "z", "\U00010400", "\uffff")


@pytest.fixture(params=[1, 7, 4096], ids=lambda rows: f"{rows} rows wait")
def books(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[DiskBooks]:
    monkeypatch.setattr(disk, "_ROWS", request.param)
    with DiskBooks() as made:
        yield made


def test_a_state_on_disk_is_a_mapping(books: DiskBooks) -> None:
    chance, twin = random.Random(1), dict[str, bytes]()
    for number in range(600):
        key = chance.choice(KEYS)
        if chance.random() < 0.6:
            books.state[key] = twin[key] = b"%d" % number
        else:
            assert books.state.pop(key, None) == twin.pop(key, None)
        asked = chance.choice(KEYS)
        assert books.state.get(asked) == twin.get(asked)
        assert (asked in books.state) is (asked in twin)
        if not number % 50:
            assert list(books.state.items()) == sorted(twin.items())
            assert list(books.state) == sorted(twin)
            assert len(books.state) == len(twin)
    with pytest.raises(KeyError):
        books.state["nothing"]
    with pytest.raises(KeyError):
        del books.state["nothing"]


def test_versions_on_disk_are_those_in_memory(books: DiskBooks) -> None:
    chance, twin = random.Random(2), MemoryBooks().versions
    places = [(space, part, key.encode()) for space in ("n", "m") for part in ("", "c") for key in KEYS]
    for number in range(600):
        place = chance.choice(places)
        for table in (books.versions, twin):
            if number % 3:
                table.put(place, (number, number % 5))
            else:
                table.drop(place)
        asked = chance.choice(places)
        assert books.versions.get(asked) == twin.get(asked)
        start, stop = chance.choice(KEYS), chance.choice((*KEYS, ""))
        if not number % 20:
            assert books.versions.between("n", start, stop) == twin.between("n", start, stop)
    assert books.versions.between("nobody", "", "") == []


def test_ids_on_disk_are_a_set(books: DiskBooks) -> None:
    books.used.update(["x", "x", "y"])
    books.used.update([])
    assert "x" in books.used
    assert "y" in books.used
    assert "" not in books.used
    assert 7 not in books.used


@pytest.mark.parametrize("path", [None, JOINED, TWO_MARKETS], ids=["trade", "joining", "two markets"])
def test_a_replay_comes_to_the_same_on_disk(path: Path | None, books: DiskBooks) -> None:
    blocks = recorded() if path is None else recorded(path)
    chaincode = next(one.chaincode for block in blocks for one in block.transactions if one.function == "market.init")
    done = []
    for kept in (MemoryBooks(), books):
        replay = Replay(
            genesis=blocks[0].header_hash,
            chaincode=chaincode,
            platform="PlatformMSP",
            supervisor="SupervisorMSP",
            books=kept,
        )
        replay.apply_all(blocks)
        done.append((dict(replay.state), replay.transactions, replay.invalid, replay.tip, count_money(replay)))
    assert done[0] == done[1]


def test_a_history_is_kept_of_the_keys_that_are_watched_alone() -> None:
    blocks = recorded()
    replay = Replay(
        genesis=blocks[0].header_hash,
        chaincode="countermark",
        platform="PlatformMSP",
        supervisor="SupervisorMSP",
        watched=["epoch"],
    )
    replay.apply_all(blocks)
    assert set(replay.history) == {"epoch"}


MEASURE = """
import sys
from pathlib import Path
from countermark.audit.bundles import verify

def held():
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1])

warm, bundle, genesis = sys.argv[1:]
with open(warm, "rb") as source:
    verify(source, genesis=bytes.fromhex(genesis))
before = held()
with open(bundle, "rb") as source:
    verify(source, genesis=bytes.fromhex(genesis))
print(before, held())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the measure is Linux's")
@pytest.mark.timeout(1_800)
def test_memory_does_not_grow_with_the_ledger(network: Network, tmp_path: Path) -> None:
    """A bundle is judged of the same ledger as it was early, and as it is many times as long, in one process."""
    trades = size(100, 1_000)
    raw: list[bytes] = []
    ledger = SignedLedger(network, raw.append)
    market = Market(ledger)
    sell(market, trades // 10)
    early = len(raw)
    sell(market, trades, first=trades)
    blocks = [parse_block(data) for data in raw]
    (tmp_path / "early").write_bytes(bundled(blocks[:early]))
    (tmp_path / "late").write_bytes(bundled(blocks))
    del blocks
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "early"), str(tmp_path / "late"), ledger.genesis.hex()],
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = map(int, done.stdout.split())
    written = sum(map(len, raw)) // 1024
    show(
        f"verifying {written:,} KiB of blocks after {early} of {len(raw)} blocks: {after - before:,} KiB more memory"
    )
    # What waits in memory and SQLite's pages have their bounds; the blocks are many times that.
    assert after - before < 30_000
