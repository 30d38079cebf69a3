"""On a full disk nothing is lost and nothing is half there, and with room again everything goes on."""

import random
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from countermark.cli.up.processes import ProcessGroup, ProcessSpec
from countermark.network.blocks.codes import Code
from countermark.network.client import GatewayClient
from countermark.network.client.errors import LedgerError
from countermark.network.embedded.errors import StorageError
from tests.support.chaos import bookkeeping
from tests.support.chaos.lanes import Lane
from tests.support.disks import needs_mount, no_file_grows, small_disk
from tests.support.embedded import EmbeddedNetwork
from tests.support.embedded_ledger import World, writing
from tests.support.processes import WAIT_S
from tests.support.whole_platform import Platform

ROOM = 64 << 20
VALUE = "x" * 10_000


def _put(client: GatewayClient, key: str) -> str:
    endorsed = client.endorse("put", [key, VALUE])
    client.submit(endorsed.tx_id, endorsed.envelope)
    client.commit_status(endorsed.tx_id).check()
    return endorsed.tx_id


def _write_without_end(client: GatewayClient, reported: list[tuple[str, str]]) -> None:
    for number in range(1_000):
        reported.append((f"key{number}", _put(client, f"key{number}")))


def _await_away(platform: Platform, part: str) -> None:
    """Ask for readiness until `part` is away."""
    context = ssl.create_default_context(cafile=str(platform.ca_file))
    give_up = time.monotonic() + 4 * WAIT_S
    with httpx.Client(base_url=platform.url, verify=context, timeout=WAIT_S) as client:
        while part not in client.get("/readyz").json()["away"]:
            assert time.monotonic() < give_up


@needs_mount
def test_a_block_that_finds_no_room_changes_nothing_and_is_taken_when_there_is_some(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8 << 20) as disk:
        world = World(disk.path / "network")
        assert world.commit(world.transaction(writing(a="1"))) == [Code.VALID]
        height, blocks = world.ledger.height, (world.material.layout.ledger / "blocks.bin").read_bytes()
        envelope = world.transaction(writing(a="2"))
        disk.fill()
        with pytest.raises(StorageError):
            world.commit(envelope)
        assert (world.material.layout.ledger / "blocks.bin").read_bytes() == blocks
        assert (world.ledger.height, world.value("a")) == (height, b"1")
        disk.make_room(ROOM)
        world = world.reopen()
        assert world.ledger.height == height
        assert world.commit(envelope) == [Code.VALID]
        assert world.value("a") == b"2"
        world.ledger.close()


def test_a_block_that_finds_no_room_in_its_file_changes_nothing(tmp_path: Path) -> None:
    """As above, where nobody may mount a disk."""
    world = World(tmp_path / "network")
    blocks = world.material.layout.ledger / "blocks.bin"
    envelope = world.transaction(writing(a="1"))
    before = blocks.read_bytes()
    with no_file_grows(len(before) + 100), pytest.raises(StorageError):
        world.commit(envelope)
    assert (blocks.read_bytes(), world.value("a")) == (before, None)
    world = world.reopen()
    assert world.commit(envelope) == [Code.VALID]
    assert world.value("a") == b"1"
    world.ledger.close()


@needs_mount
def test_a_peer_whose_disk_fills_up_stops_and_keeps_every_transaction_that_it_reported(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 3 << 20) as disk:
        network = EmbeddedNetwork(disk.path / "network")
        try:
            network.start()
            reported: list[tuple[str, str]] = []
            with pytest.raises(LedgerError):
                _write_without_end(network.client("platform"), reported)
            assert reported
            assert network.peer is not None
            # It does not go on with a ledger that it cannot write: whoever runs it starts it again.
            assert network.peer.process.wait(WAIT_S) == 1
            disk.make_room(ROOM)
            network.start_peer()
            client = network.client("platform")
            for key, tx_id in reported:
                assert client.commit_status(tx_id).valid
                assert client.evaluate("get", [key]) == VALUE.encode()
            _put(client, "after")
        finally:
            network.close()


@needs_mount
def test_a_log_on_a_full_disk_holds_up_no_process(tmp_path: Path) -> None:
    """It says more than fits into a pipe while nobody can write it down, and becomes ready all the same."""
    chatter = "print('x' * 1_000_000, 'ready', sep='\\n', file=sys.stderr, flush=True)"
    command = [sys.executable, "-c", f"import signal, sys; {chatter}; signal.pause()"]
    with small_disk(tmp_path / "disk", 64 << 10) as disk:
        disk.fill()
        processes = ProcessGroup({}, print)
        try:
            processes.start(ProcessSpec("chatter", command, "ready", disk.path / "chatter.log"))
        finally:
            processes.stop()


@needs_mount
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_platform_whose_disk_fills_up_finishes_its_trades_when_there_is_room(tmp_path: Path) -> None:
    """Ledger, packages and logs are on the disk: the peer ends until it can write, and everybody waits for it."""
    with small_disk(tmp_path / "disk", ROOM) as disk, ThreadPoolExecutor(1) as pool:
        platform = Platform(disk.path / "data")
        platform.start()
        try:
            lane = Lane(platform, tmp_path / "lane", 0, random.Random(0))
            lane.trade()
            disk.fill()
            trading = pool.submit(lane.trade)
            _await_away(platform, "ledger")
            assert not trading.done()
            (disk.path / "ballast").unlink()
            trading.result(4 * WAIT_S)
            lane.close()
            bookkeeping.settle(platform)
            bookkeeping.check(platform, [lane])
            bookkeeping.check_logs(platform)
        finally:
            assert platform.stop() == 0
            platform.discard()
