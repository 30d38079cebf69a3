"""A peer of native Fabric loses its disk: its ledger is restored from an older backup, and it catches up."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from countermark.network.client import EvaluateError, GatewayClient
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.patience import patiently
from countermark.protocol.sealed import EncryptionKey
from tests.support.command_line import countermark
from tests.support.documented import run_documented
from tests.support.fabric.network import FabricNetwork, kill
from tests.support.fabric.story import Story
from tests.support.market import PLATFORM, SUPERVISOR, TRADER

pytestmark = pytest.mark.fabric

PREFIXES = ("account/", "coin/", "deposit/", "exact/", "intent/", "listing/", "trade/")


def state_digest(client: GatewayClient) -> str:
    """Digest of all records that the client's own peer has."""
    digest = hashlib.sha256()
    for prefix in PREFIXES:
        bookmark, some = "", True
        while some:
            answer = client.evaluate(
                "audit.page", [prefix, "1000", bookmark], target_organisations=[client.profile.msp_id]
            )
            digest.update(answer)
            bookmark = json.loads(answer)["bookmark"]
            some = bool(bookmark)
    return digest.hexdigest()


def read_opening(client: GatewayClient, listing: str) -> None:
    """Have the client's own peer show a private value; `not_yet` while it lacks it."""
    args = [listing, EncryptionKey.generate().public, "1"]
    try:
        client.evaluate("audit.opening", args, target_organisations=[client.profile.msp_id])
    except EvaluateError as error:
        raise LifecycleError("not_yet", str(error)) from error


def test_peer_that_lost_its_disk_is_restored_and_catches_up(
    network: FabricNetwork, story: Story, tmp_path: Path
) -> None:
    folder, market = network.folder, story.market
    folder.description.write_text(network.description)
    name = network.peer(PLATFORM).name
    (tmp_path / "countermark-network").symlink_to(folder.path)
    backup = tmp_path / "backups" / "monday"
    made = countermark("network", "backup", "--dir", folder.path, "--peer", name, "-o", backup)
    assert made["peers"][name] > 10
    assert not [path for path in backup.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]

    # Trades go on, with private values that the backup lacks.
    market.bring_to("SENT", market.list_data(data=b"after the backup")["id"])
    late = market.list_data(data=b"long after the backup")["id"]
    total = market.total()
    refused = countermark("network", "restore", backup, "--dir", folder.path, "--peer", name, status=1)
    assert refused["error"]["code"] == "peer_runs"
    assert network.peer(PLATFORM).daemon.pid is not None, "a refused restoration has touched nothing"

    run_documented(
        "tar --create --file network-keys.tar --directory countermark-network organisations definitions", tmp_path
    )
    kill(network.peer(PLATFORM).daemon)
    for lost in (folder.node(name), folder.organisation_path("platform")):
        shutil.rmtree(lost)
    for command in (
        "tar --extract --file network-keys.tar --directory countermark-network",
        "countermark network generate --dir countermark-network",
        "countermark network restore backups/monday --dir countermark-network --peer peer0.platform",
        "countermark network up --dir countermark-network",
    ):
        run_documented(command, tmp_path)

    platform, *others = (network.client(msp_id) for msp_id in (PLATFORM, SUPERVISOR, TRADER))
    assert platform.newest_block().number >= made["peers"][name]
    digest = state_digest(platform)
    assert [state_digest(other) for other in others] == [digest, digest]
    assert market.total() == total
    # Private values of blocks after the backup come from the supervisor's peer, by and by.
    patiently(lambda: read_opening(platform, late), wait_s=150)
    # And it endorses what needs the platform, with the pepper that it has from the backup.
    assert market.list_data(data=b"after the restoration")["state"] == "LISTED"
