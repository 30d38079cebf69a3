"""On a full disk nothing is lost and nothing is half there, and with room again everything goes on."""

import sys
from pathlib import Path

import pytest

from countermark.cli.up.processes import ProcessGroup, ProcessSpec
from countermark.network.blocks.codes import Code
from countermark.network.client import GatewayClient
from countermark.network.client.errors import LedgerError
from countermark.network.embedded.errors import StorageError
from tests.support.disks import needs_mount, small_disk
from tests.support.embedded import EmbeddedNetwork
from tests.support.embedded_ledger import World, writing
from tests.support.processes import WAIT_S

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
