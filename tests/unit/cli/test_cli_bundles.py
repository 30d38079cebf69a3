"""`audit export`, `verify` and `roots`: what they print, what they refuse, and that they need nobody."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from countermark.audit.bundles import Subject
from countermark.network import client as network_client
from countermark.network.blocks import Block
from tests.fixtures.fabric_blocks import recorded
from tests.support.bundled import bundled, manifest
from tests.support.market import actor
from tests.unit.cli.conftest import Run

BLOCKS = recorded()
CONFIG = next(
    write.value
    for block in BLOCKS
    for one in block.transactions
    for write in one.writes
    if write.key == "market/config"
)
TRADE = next(
    write.key.removeprefix("trade/")
    for block in BLOCKS
    for one in block.transactions
    for write in one.writes
    if write.key.startswith("trade/")
)


class Peer:
    """A client of one's own peer, which serves recorded blocks."""

    profile = SimpleNamespace(channel=BLOCKS[0].transactions[0].channel, chaincode="countermark")
    blocks_served: tuple[Block, ...] = BLOCKS
    config = CONFIG

    def __init__(self, profile: object) -> None:
        self.given = profile

    def evaluate(self, function: str) -> bytes:
        assert function == "market.show"
        return self.config

    def newest_block(self) -> Block:
        return self.blocks_served[-1]

    def blocks(self, start: int, *, stop: int) -> "Served":
        return Served(self.blocks_served[start : stop + 1])

    def close(self) -> None:
        """See `GatewayClient.close`."""


class Served:
    """A stream of blocks."""

    def __init__(self, blocks: tuple[Block, ...]) -> None:
        self._blocks = iter(blocks)

    def __iter__(self) -> Iterator[Block]:
        return self._blocks

    def close(self) -> None:
        """See `Stream.close`."""


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> type[Peer]:
    class Own(Peer):
        """One for each test to change."""

    monkeypatch.setattr(network_client, "GatewayClient", Own)
    monkeypatch.setattr(network_client, "ConnectionProfile", SimpleNamespace(load=lambda path: path))
    return Own


@pytest.fixture
def genesis(tmp_path: Path) -> Path:
    path = tmp_path / "genesis.block"
    path.write_bytes(BLOCKS[0].serialized)
    return path


@pytest.fixture
def connection(tmp_path: Path) -> Path:
    path = tmp_path / "connection" / "supervisor.json"
    path.parent.mkdir()
    path.write_text("{}")
    return path


@contextmanager
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it was to work without a network")

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", refuse)
        yield


SUBJECTS: dict[str, tuple[str, ...]] = {
    "trade": ("--trade", TRADE),
    "account": ("--account", actor("seller").address),
    "blocks": ("--blocks", f"0-{BLOCKS[-1].number}"),
}


@pytest.mark.parametrize("kind", SUBJECTS)
def test_what_is_exported_is_verified_elsewhere_by_roots(
    run: Run,
    peer: type[Peer],
    genesis: Path,
    connection: Path,
    tmp_path: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "bundle"
    written = run("audit", "export", *SUBJECTS[kind], "-o", out, "--connection", connection)
    assert written.status == 0, written
    assert written.out.splitlines()[0] == str(out)
    made = run("audit", "roots", "--genesis", genesis, "-o", tmp_path / "roots")
    assert made.status == 0, made
    with offline(monkeypatch):
        told = run("audit", "verify", out, "--roots", tmp_path / "roots", "--home", tmp_path / "no home")
    assert told.status == 0, told
    assert told.out.splitlines()[-1] == "good"
    assert next(line for line in written.out.splitlines() if line.startswith("digest")) in told.out.splitlines()
    assert not (tmp_path / "no home").exists()


def test_one_document_says_all_of_it(
    run: Run, peer: type[Peer], genesis: Path, connection: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    written = run("audit", "export", "--trade", TRADE, "-o", out, "--connection", connection, "--json")
    told = run("audit", "verify", out, "--genesis", genesis, "--json")
    document = json.loads(told.out)
    assert document["verdict"] == "good"
    assert document["trusting"] == "genesis"
    assert (document["market"], document["platform"]) == (f"{Peer.profile.channel}/countermark", "PlatformMSP")
    assert document["subject"] == {"kind": "trade", "name": TRADE}
    assert document["outcome"] == "confirmed"
    assert [step["function"] for step in document["steps"]][-1] == "trade.confirm"
    assert document["verified"]["genesis"] == BLOCKS[0].header_hash.hex()
    assert document["money"]["in_escrow"] == "0"
    assert document["deadlines"]["missed_by_platform"] == 0
    assert json.loads(written.out)["digest"] == document["digest"]
    assert json.loads(written.out)["verified"] == document["verified"]


def test_a_bundle_that_does_not_hold_ends_with_what_and_where(run: Run, genesis: Path, tmp_path: Path) -> None:
    block = BLOCKS[6]
    span = Subject("blocks", first=0, last=len(BLOCKS) - 1)
    data = bundled([*BLOCKS[:6], *BLOCKS[7:]], about=manifest(span, channel=Peer.profile.channel))
    (tmp_path / "bundle").write_bytes(data)
    told = run("audit", "verify", tmp_path / "bundle", "--genesis", genesis)
    assert told.status == 1
    assert told.err.splitlines()[0].startswith("error: wrong_number")
    assert "  block: 7" in told.err
    told = run("audit", "verify", tmp_path / "bundle", "--genesis", genesis, "--json")
    assert json.loads(told.out)["error"]["block"] == block.number + 1
    assert "good" not in told.out


def test_nothing_is_judged_without_somebody_who_is_trusted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(b"x")
    told = run("audit", "verify", tmp_path / "bundle")
    assert told.status == 2
    assert "--roots FOLDER" in told.err


def test_another_market_is_refused(run: Run, genesis: Path, tmp_path: Path) -> None:
    span = Subject("blocks", first=0, last=len(BLOCKS) - 1)
    (tmp_path / "bundle").write_bytes(bundled(BLOCKS, about=manifest(span, channel=Peer.profile.channel)))
    told = run("audit", "verify", tmp_path / "bundle", "--genesis", genesis, "--market", "market/other")
    assert told.status == 1
    assert "other_market" in told.err
    told = run(
        "audit",
        "verify",
        tmp_path / "bundle",
        "--genesis",
        genesis,
        "--market",
        f"{Peer.profile.channel}/countermark",
    )
    assert told.status == 0


@pytest.mark.parametrize(
    "what",
    [
        (),
        ("--trade", "a", "--listing", "b"),
        ("--blocks", "1-2", "--trade", "a"),
        *(("--blocks", text) for text in ("", "3", "3-", "-3", "3-1", "a-b", "1-2-3", "٣-٤", "1 -2")),
    ],
)
def test_one_subject_must_be_named(
    run: Run, peer: type[Peer], connection: Path, tmp_path: Path, what: tuple[str, ...]
) -> None:
    told = run("audit", "export", *what, "-o", tmp_path / "bundle", "--connection", connection)
    assert told.status == 2
    assert not (tmp_path / "bundle").exists()


def test_a_file_that_is_there_is_not_replaced(
    run: Run, peer: type[Peer], genesis: Path, connection: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    out.write_text("mine")
    told = run("audit", "export", "--blocks", "0-3", "-o", out, "--connection", connection)
    assert told.status == 2
    assert out.read_text() == "mine"


def test_of_an_export_that_fails_nothing_is_left(
    run: Run, peer: type[Peer], genesis: Path, connection: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    peer.blocks_served = (*BLOCKS[:4], *BLOCKS[5:])
    told = run("audit", "export", "--blocks", "0-9", "-o", tmp_path / "bundle", "--connection", connection)
    assert told.status == 1
    assert "wrong_number" in told.err
    peer.blocks_served = BLOCKS
    for what in (("--trade", "tr1nothing"), ("--blocks", f"0-{len(BLOCKS)}")):
        told = run("audit", "export", *what, "-o", tmp_path / "bundle", "--connection", connection)
        assert told.status != 0
        assert "unknown_" in told.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_peer_that_names_other_roles_is_found_out(
    run: Run, peer: type[Peer], genesis: Path, connection: Path, tmp_path: Path
) -> None:
    document = json.loads(CONFIG)
    document["platform"]["msp_id"] = "TraderMSP"
    peer.config = json.dumps(document).encode()
    told = run("audit", "export", "--trade", TRADE, "-o", tmp_path / "bundle", "--connection", connection)
    assert told.status == 1
    assert not (tmp_path / "bundle").exists()


def test_roots_that_are_there_are_not_replaced(run: Run, genesis: Path, tmp_path: Path) -> None:
    folder = tmp_path / "roots"
    assert run("audit", "roots", "--genesis", genesis, "-o", folder).status == 0
    told = run("audit", "roots", "--genesis", genesis, "-o", folder)
    assert told.status == 1
    assert "not_written" in told.err
