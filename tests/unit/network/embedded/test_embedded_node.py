"""Starts that fail: one clear error, and neither files nor ports stay open."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from countermark.network.embedded.errors import SettingsError, StorageError
from countermark.network.embedded.node import Node
from countermark.network.embedded.settings import Layout, Settings, load
from countermark.network.errors import IdentityError, NetworkError
from tests.support.processes import WAIT_S

ADDRESSES = dict.fromkeys(("PlatformMSP", "SupervisorMSP", "TraderMSP"), "127.0.0.1:1")


@pytest.fixture
def layout(material: Path, tmp_path: Path) -> Layout:
    return Layout(Path(shutil.copytree(material, tmp_path / "peer")))


@pytest.fixture
def settings(layout: Layout) -> Settings:
    return load(layout.settings_file).with_chaincode(ADDRESSES)


def _run(layout: Layout, settings: Settings) -> None:
    async def scenario() -> None:
        node = await Node.open(layout, settings)
        await node.start(chaincode_wait_s=0)
        await node.stop()

    asyncio.run(scenario())


def _nothing_open(layout: Layout) -> bool:
    links = [Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names, not files
    # The descriptor by which the folder was listed is gone.
    files = [link.readlink() for link in links if link.is_symlink()]
    return not any(file.is_relative_to(layout.directory) for file in files)


def test_a_taken_port_gives_the_others_back(layout: Layout, settings: Settings) -> None:
    _run(layout, settings)
    ports = json.loads(layout.ports_file.read_bytes())
    with socket.create_server(("127.0.0.1", ports["TraderMSP"])), pytest.raises(SettingsError, match="port_taken"):
        _run(layout, settings)
    assert _nothing_open(layout)
    for port in ports.values():
        socket.create_server(("127.0.0.1", port)).close()
    _run(layout, settings)


def _no_key(layout: Layout) -> None:
    (layout.organisation("supervisor") / "tls/chaincode/key.pem").unlink()
    (layout.organisation("supervisor") / "tls/peer0/key.pem").unlink()


def _no_orderer(layout: Layout) -> None:
    (layout.organisation("orderer") / "organisation.json").unlink()


def _no_genesis(layout: Layout) -> None:
    layout.genesis_file.unlink()


def _rubbish_genesis(layout: Layout) -> None:
    layout.genesis_file.write_bytes(b"\xff")


def _rubbish_private(layout: Layout) -> None:
    layout.ledger.mkdir()
    (layout.ledger / "private.db").write_bytes(b"no database at all" * 100)


@pytest.mark.parametrize(
    ("damage", "error", "code"),
    [
        (_no_key, SettingsError, "unreadable_tls"),
        (_no_orderer, IdentityError, "no_organisation"),
        (_no_genesis, SettingsError, "no_genesis"),
        (_rubbish_genesis, NetworkError, "malformed_message"),
        (_rubbish_private, StorageError, "database_damaged"),
    ],
)
def test_a_start_that_fails_leaves_nothing_open(
    layout: Layout, settings: Settings, damage: Callable[[Layout], None], error: type[NetworkError], code: str
) -> None:
    damage(layout)
    with pytest.raises(error) as caught:
        _run(layout, settings)
    assert caught.value.code == code
    assert _nothing_open(layout)


def test_a_ledger_of_another_channel_is_refused(layout: Layout, settings: Settings) -> None:
    _run(layout, settings)
    with pytest.raises(StorageError, match="other_channel"):
        _run(layout, replace(settings, channel="other"))
    assert _nothing_open(layout)


@pytest.mark.parametrize("name", ["state.db", "private.db"])
def test_a_damaged_database_ends_the_process_with_one_line(layout: Layout, name: str) -> None:
    layout.ledger.mkdir()
    (layout.ledger / name).write_bytes(b"no database at all" * 100)
    chaincodes = [f"--chaincode={msp_id}={address}" for msp_id, address in ADDRESSES.items()]
    command = [sys.executable, "-m", "countermark.network.embedded", "--dir", str(layout.directory), *chaincodes]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("embedded peer: database_damaged")
    assert name in line
