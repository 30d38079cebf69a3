"""What a backup says of itself is read strictly: what is restored is written where it says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countermark.network.native.errors import RunError
from countermark.network.operations.backups.manifest import (
    DATABASE,
    FILE,
    File,
    Manifest,
    Peer,
    PlatformDatabase,
    load,
    network_of,
    parse,
)

DIGEST = "0123456789abcdef" * 4
GOOD = Manifest(
    network=DIGEST,
    made_at_ms=1_760_000_000_123,
    peers=(Peer("peer0.platform", "PlatformMSP", 12), Peer("peer0.trader", "TraderMSP", 11)),
    database=PlatformDatabase("market/countermark", 10),
    files=(
        File("peers/peer0.platform/ledgersData/CURRENT", 16, DIGEST),
        File("peers/peer0.trader/ledgersData/CURRENT", 0, DIGEST),
        File(DATABASE, 4096, DIGEST),
    ),
)

Edit = Callable[[dict[str, Any]], None]


def edited(edit: Edit) -> bytes:
    document = json.loads(GOOD.dumps())
    edit(document)
    return json.dumps(document).encode()


def path(value: object) -> Edit:
    return lambda document: document["files"][0].update(path=value)


def test_what_is_written_is_read_again() -> None:
    assert parse(GOOD.dumps()) == GOOD
    assert [one.path for one in GOOD.files_of(GOOD.peer("peer0.trader"))] == [
        "peers/peer0.trader/ledgersData/CURRENT"
    ]
    assert GOOD.dump.size == 4096


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(path("../../etc/passwd"), id="a path leads out of the folder"),
        pytest.param(path("peers/peer0.platform/../../../x"), id="a path leads out by a detour"),
        pytest.param(path("/etc/passwd"), id="a path is absolute"),
        pytest.param(path("peers/peer0.platform//x"), id="a path has an empty part"),
        pytest.param(path("peers/peer0.platform/x\0y"), id="a path has a NUL"),
        pytest.param(path("peers/peer0.supervisor/x"), id="a file is of a peer that is not in the backup"),
        pytest.param(path("elsewhere/x"), id="a file is of nothing"),
        pytest.param(path(DATABASE), id="two files are one"),
        pytest.param(path(None), id="a path is no text"),
        pytest.param(lambda document: document["files"].pop(), id="the database has no file"),
        pytest.param(lambda document: document["files"].pop(0), id="a peer has no file"),
        pytest.param(lambda document: document.update(database=None), id="a file is of a database there is not"),
        pytest.param(lambda document: document["peers"].append(document["peers"][0]), id="a peer is there twice"),
        pytest.param(lambda document: document["peers"][0].update(name="../x"), id="a peer's name is a path"),
        pytest.param(lambda document: document["peers"][0].update(height=-1), id="a height is below 0"),
        pytest.param(lambda document: document["peers"][0].update(height=True), id="a height is no number"),
        pytest.param(lambda document: document["files"][0].update(size=1.5), id="a size is no whole number"),
        pytest.param(lambda document: document["files"][0].update(sha256=DIGEST.upper()), id="a digest in capitals"),
        pytest.param(lambda document: document["files"][0].update(sha256=DIGEST[:-1]), id="a digest is short"),
        pytest.param(lambda document: document["files"][0].update(mode=0o777), id="a member is unknown"),
        pytest.param(lambda document: document["files"][0].pop("size"), id="a member is missing"),
        pytest.param(lambda document: document.update(made_at="yesterday"), id="a time is none"),
        pytest.param(lambda document: document.update(format="countermark-backup/2"), id="another format"),
        pytest.param(lambda document: document.update(peers={}), id="peers are no list"),
    ],
)
def test_malformed_manifest_is_refused(edit: Edit) -> None:
    with pytest.raises(RunError, match="malformed_backup"):
        parse(edited(edit))


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"\xff", GOOD.dumps()[:-20], b'{"format": 1, "format": 2}', b"[" * 100_000],
    ids=["empty", "a list", "no text", "cut short", "a member twice", "deep"],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(RunError, match="malformed_backup"):
        parse(data)


def test_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=rf"no_backup.*{FILE}"):
        load(tmp_path)


def test_backup_of_another_network_is_told(tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.block"
    with pytest.raises(RunError, match="no_genesis"):
        network_of(genesis)
    genesis.write_bytes(b"another")
    with pytest.raises(RunError, match="other_network"):
        GOOD.check_network(genesis)


def test_what_is_not_in_the_backup_is_named() -> None:
    with pytest.raises(RunError, match=r"not_in_backup.*peer1\.platform.*peer0\.platform, peer0\.trader"):
        GOOD.peer("peer1.platform")
    alone = Manifest(DIGEST, 0, (), None, ())
    with pytest.raises(RunError, match="not_in_backup"):
        _ = alone.dump
