"""`network backup` and `network restore`: what is asked for is clear before anything is touched."""

import json
from pathlib import Path

import pytest

from countermark.cli.up.data import DataFolder
from countermark.cli.up.stack import exclusive
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.operations.backups.manifest import FILE, Manifest
from tests.support.fabric.network import small_description
from tests.unit.cli.conftest import Run

DIGEST = "ab" * 32


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a network of which there is little more than a description."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "network").mkdir()
    folder = NetworkFolder(tmp_path / "network")
    folder.description.write_text(small_description("market"))
    folder.genesis.write_bytes(b"block 0")
    return folder.path


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A data folder on which a platform has run."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    data = DataFolder(tmp_path / "data")
    data.gateway.mkdir(parents=True)
    data.gateway_config.write_text(json.dumps({"market": "market/countermark"}))
    data.genesis_file.write_bytes(b"block 0")
    return data


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup with nothing in it, of another network."""
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / FILE).write_bytes(Manifest(DIGEST, 0, (), None, ()).dumps())
    return tmp_path / "backup"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--no-peers"], "--no-peers is for a backup of the database alone"),
        (
            ["--no-peers", "--database", "--peer", "peer0.platform"],
            "--no-peers is for a backup of the database alone",
        ),
        (["--database"], "DATABASE_URL"),
        (["--data", "/none"], "no platform has run on /none"),
    ],
)
def test_backup_of_nothing_that_there_is_is_a_mistake_of_usage(
    run: Run, described: Path, tmp_path: Path, options: list[str], why: str
) -> None:
    result = run("network", "backup", "--dir", described, "-o", tmp_path / "out", *options)
    assert (result.status, why in result.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_dry_run_says_what_would_be_copied(run: Run, described: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("network", "backup", "--dir", described, "-o", out, "--dry-run", "--json")
    assert result.json["copied"] == ["peer0.platform", "peer0.supervisor", "peer0.trader"]
    assert not out.exists()
    refused = run("network", "backup", "--dir", described, "-o", out, "--peer", "orderer0.ordering", "--dry-run")
    assert (refused.status, "orderer_not_restored" in refused.err) == (1, True)


def test_restoring_nothing_in_particular_is_a_mistake_of_usage(run: Run, described: Path, backup: Path) -> None:
    result = run("network", "restore", backup, "--dir", described)
    assert (result.status, "what is to be restored?" in result.err) == (2, True)


def test_folder_without_a_manifest_is_refused(run: Run, described: Path, tmp_path: Path) -> None:
    result = run("network", "restore", tmp_path, "--dir", described, "--peer", "peer0.platform")
    assert (result.status, "no_backup" in result.err) == (1, True)


def test_running_platform_keeps_its_database(run: Run, platform: DataFolder, backup: Path) -> None:
    with exclusive(platform):
        result = run("network", "restore", backup, "--data", platform.path)
    assert (result.status, "another `countermark up` runs" in result.err) == (1, True)
    assert not platform.postgres.exists()


def test_database_of_another_network_is_refused_before_one_is_touched(
    run: Run, platform: DataFolder, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/market")
    result = run("network", "restore", backup, "--data", platform.path)
    assert (result.status, "other_network" in result.err) == (1, True)
