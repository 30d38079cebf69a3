"""A peer's ledger is put back whole, in one step, or nothing is touched."""

import sys
from pathlib import Path

import pytest

from countermark.network.native.errors import RunError
from countermark.network.native.network import NativeNetwork
from countermark.network.native.nodes import PeerNode
from countermark.network.operations.backups.manifest import Manifest, Peer
from countermark.network.operations.backups.peers import check_before, named, put_back, take
from tests.unit.network.operations.backups.conftest import LEDGER, PEER, contents, fill


def test_ledger_is_put_back_and_the_one_before_kept_under_another_name(
    network: NativeNetwork, node: PeerNode, backup: Path, manifest: Manifest
) -> None:
    data = node.folder.node(PEER) / "data"
    (data / "damaged").write_bytes(b"by something")
    check_before(network, node, backup, manifest)
    aside = put_back(network, node, backup, manifest)
    assert aside is not None
    assert contents(data) == LEDGER
    assert contents(aside) == {**LEDGER, "damaged": b"by something"}
    again = put_back(network, node, backup, manifest)
    assert again not in (None, aside)
    assert contents(data) == LEDGER


def test_lost_folder_is_made_anew_with_the_mark_of_its_network(
    network: NativeNetwork, node: PeerNode, backup: Path, manifest: Manifest
) -> None:
    here = network.folder.node(PEER)
    mark = (here / "network-id").read_bytes()
    here.rename(here.with_name("lost"))
    check_before(network, node, backup, manifest)
    assert put_back(network, node, backup, manifest) is None
    assert contents(here / "data") == LEDGER
    assert (here / "network-id").read_bytes() == mark


def test_run_that_was_cut_short_is_begun_anew(
    network: NativeNetwork, node: PeerNode, backup: Path, manifest: Manifest
) -> None:
    data = node.folder.node(PEER) / "data"
    half = data.with_name("data.restoring")
    fill(half)
    (half / "half").write_bytes(b"written")
    put_back(network, node, backup, manifest)
    assert contents(data) == LEDGER
    assert not half.exists()


def test_damaged_backup_leaves_the_ledger_in_its_place(
    network: NativeNetwork, node: PeerNode, backup: Path, manifest: Manifest
) -> None:
    data = node.folder.node(PEER) / "data"
    (data / "newer").write_bytes(b"block")
    (backup / manifest.files[0].path).write_bytes(b"BLOCKS" * 1000)
    with pytest.raises(RunError, match="damaged_backup"):
        check_before(network, node, backup, manifest)
    with pytest.raises(RunError, match="damaged_backup"):
        put_back(network, node, backup, manifest)
    assert contents(data) == {**LEDGER, "newer": b"block"}
    assert not list(data.parent.glob("data.before-*"))


def test_orderer_is_never_restored_and_the_reason_is_given(network: NativeNetwork) -> None:
    with pytest.raises(RunError, match=r"orderer_not_restored.*orderer0\.ordering.*two blocks of one number"):
        named(network, ("orderer0.ordering",))


def test_unknown_peer_is_refused_with_those_there_are(network: NativeNetwork) -> None:
    with pytest.raises(RunError, match=r"unknown_peer.*peer9\.platform.*peer0\.supervisor"):
        named(network, ("peer9.platform",))
    assert [one.name for one in named(network, ())] == ["peer0.platform", "peer0.supervisor", "peer0.trader"]
    assert [one.name for one in named(network, (PEER, PEER))] == [PEER]


def test_running_peer_is_not_restored(
    network: NativeNetwork, node: PeerNode, backup: Path, manifest: Manifest
) -> None:
    node.daemon.start([sys.executable, "-c", "import signal; signal.pause()"], {})
    try:
        with pytest.raises(RunError, match="peer_runs"):
            check_before(network, node, backup, manifest)
    finally:
        node.daemon.stop()
    check_before(network, node, backup, manifest)


def test_peer_that_does_not_run_is_not_copied(network: NativeNetwork, node: PeerNode, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"not_running.*network up"):
        take(network, node, tmp_path)
    assert not (tmp_path / "peers").exists()


def test_backup_of_another_network_is_refused(
    other_network: NativeNetwork, node: PeerNode, backup: Path, manifest: Manifest
) -> None:
    (stranger,) = named(other_network, (PEER,))
    with pytest.raises(RunError, match="other_network"):
        check_before(other_network, stranger, backup, manifest)
    assert not (other_network.folder.node(PEER) / "data").exists()


def test_folder_that_holds_another_networks_ledger_is_left_alone(
    network: NativeNetwork, node: PeerNode, backup: Path, manifest: Manifest
) -> None:
    (node.folder.node(PEER) / "network-id").write_text("ab" * 32)
    with pytest.raises(RunError, match=r"other_network.*move it away"):
        check_before(network, node, backup, manifest)


def test_peer_of_another_organisation_is_refused(
    network: NativeNetwork, node: PeerNode, backup: Path, manifest: Manifest
) -> None:
    stranger = Manifest(manifest.network, 0, (Peer(PEER, "TraderMSP", 12),), None, manifest.files)
    with pytest.raises(RunError, match=r"other_network.*TraderMSP"):
        check_before(network, node, backup, stranger)


def test_peer_that_the_backup_lacks_is_refused(network: NativeNetwork, backup: Path, manifest: Manifest) -> None:
    (other,) = named(network, ("peer0.trader",))
    with pytest.raises(RunError, match="not_in_backup"):
        check_before(network, other, backup, manifest)
