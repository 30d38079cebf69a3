"""An orderer of native Fabric loses its disk, and comes back as docs/operations.md says, while trades go on."""

import secrets
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from countermark.network.client import GatewayClient
from countermark.network.lifecycle.approve import approve
from countermark.network.lifecycle.participation import participation
from countermark.network.lifecycle.patience import patiently
from countermark.network.lifecycle.wire import agreement
from countermark.network.native import nodes
from countermark.network.operations.contracts import Contracts
from tests.support.command_line import countermark
from tests.support.fabric.network import FabricNetwork, fabric_network, kill, small_description
from tests.support.market import PLATFORM

pytestmark = pytest.mark.fabric

LOST = "orderer1.ordering"


def order(network: FabricNetwork) -> None:
    """Have one transaction ordered: an organisation approves contracts that nobody else does."""
    wanted = agreement(Contracts(network.native).definition("1.0", f"ordered-{secrets.token_hex(4)}"))
    with network.native.administrators() as (administrator, *_):
        approval = approve(administrator, wanted, sequence=1, package_id=network.use.package.id)
        administrator.submit(approval.tx_id, approval.envelope)
        administrator.commit_status(approval.tx_id).check()


def reconfigure(network: Path, verb: str, files: Path) -> None:
    """Have the channel's configuration changed by an update and a signature that travel as files."""
    update, signature = files / f"{verb}.json", files / f"{verb}.signed"
    made = countermark("network", "orderer", verb, LOST, "--dir", network, "-o", update)
    assert "OrdererMSP" in str(made["needs"])
    place = ("--dir", network)
    countermark("network", "join-org", "sign", update, "--organisation", "ordering", *place, "-o", signature)
    countermark("network", "join-org", "submit", update, "--signature", signature, *place)


def test_orderer_that_lost_its_disk_is_removed_let_in_anew_and_orders(tmp_path: Path) -> None:
    with (
        fabric_network(
            tmp_path / "network", "market", description=small_description("market", orderers=3)
        ) as network,
        closing(GatewayClient(network.profile(PLATFORM))) as client,
    ):
        folder = network.folder
        folder.description.write_text(network.description)
        node = next(one for one in nodes.orderers(folder, network.topology) if one.name == LOST)
        kill(node.daemon)
        shutil.rmtree(folder.node(LOST))
        countermark("network", "generate", "--dir", folder.path)
        backup = ("network", "backup", "--dir", folder.path, "--peer", LOST, "-o", tmp_path / "backup")
        refused = countermark(*backup, status=1)
        assert refused["error"]["code"] == "orderer_not_restored"
        unasked = countermark("network", "orderer", "rejoin", LOST, "--dir", folder.path, status=1)
        assert unasked["error"]["code"] == "never_removed"
        reconfigure(folder.path, "remove", tmp_path)
        early = countermark("network", "orderer", "rejoin", LOST, "--dir", folder.path, status=1)
        assert early["error"]["code"] == "not_let_in"
        reconfigure(folder.path, "return", tmp_path)
        order(network)
        countermark("network", "orderer", "rejoin", LOST, "--dir", folder.path)
        part = participation(node.access, network.channel)
        assert part is not None
        assert (part.status, part.relation) == ("active", "consenter")
        # It counts: with it, another one may be away.
        other = next(one for one in nodes.orderers(folder, network.topology) if one.name != LOST)
        kill(other.daemon)
        patiently(lambda: order(network), wait_s=120, anew=True)
        height = client.newest_block().number + 1
        now = participation(node.access, network.channel)
        assert now is not None
        assert now.height >= height
        again = countermark("network", "orderer", "rejoin", LOST, "--dir", folder.path, status=1)
        assert again["error"]["code"] == "orderer_runs"
