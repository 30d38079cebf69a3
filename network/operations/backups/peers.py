"""A peer's ledger is copied while the others go on, and put back where it was lost.

The peer is stopped for as long as the copy takes: its databases are whole only then. It has no vote in what is
ordered, so an older ledger does no harm: it fetches the blocks that it lacks, and private values from their keepers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from countermark.network.client import GatewayClient, LedgerError
from countermark.network.identities.files import sync_directory
from countermark.network.lifecycle.patience import patiently
from countermark.network.native.errors import RunError
from countermark.network.native.nodes import PeerNode, peers
from countermark.network.native.preflight import check_mark, mark_node
from countermark.network.nodes.generation import profile
from countermark.network.operations.backups.files import check, copy_back, copy_tree
from countermark.network.operations.backups.manifest import File, Manifest, Peer
from countermark.network.operations.network import Network, reach_contracts

_NOT_COPIED = ("externalbuilder",)
"""Made anew from the installed packages at the first call; the peer's TLS key stands in it."""

_NEVER = (
    "an orderer with an older log has forgotten for whom it voted and which blocks it promised to keep: two blocks "
    "of one number may follow. Remove it from the channel and add it anew, and it fetches all blocks"
)


def named(network: Network, names: tuple[str, ...]) -> list[PeerNode]:
    """Return the peers here of these names; all if none is given.

    Raises:
        RunError: One is an orderer, or nothing here.
    """
    here = {one.name: one for one in peers(network.folder, network.topology)}
    orderers = {one.name for _, one in network.topology.orderers()}
    for name in names:
        if name in orderers:
            raise RunError("orderer_not_restored", f"{name}: {_NEVER}")
        if name not in here:
            raise RunError("unknown_peer", f"{name} is none of {', '.join(here)}")
    return [here[name] for name in dict.fromkeys(names)] if names else list(here.values())


def take(network: Network, node: PeerNode, folder: Path) -> tuple[Peer, list[File]]:
    """Copy the ledger of `node`, which runs again when this returns, into the backup in `folder`.

    Raises:
        RunError: It does not run, or does not come up again.
        LedgerError: It does not answer, or does not catch up in time.
        OSError: There is no room for the copy.
    """
    if node.name not in network.running():
        raise RunError("not_running", f"{node.name}: `countermark network up` starts it")
    client = GatewayClient(profile(network.folder, network.topology, node.plan, node.peer))
    try:
        serves = _serves(client)
        entry = Peer(node.name, node.plan.msp_id, client.newest_block().number + 1)
        network.report(f"{node.name} has {entry.height} blocks; it is stopped while they are copied")
        with _stopped(network, node):
            copied = list(copy_tree(_data(node), folder / entry.folder, without=_NOT_COPIED))
        network.wait_caught_up([node])
        if serves:
            patiently(lambda: reach_contracts(client))
    finally:
        client.close()
    network.report(f"{node.name} is back; {len(copied)} files of {sum(one.size for one in copied)} bytes copied")
    return entry, [File(f"{entry.folder}/{one.path}", one.size, one.sha256) for one in copied]


def check_before(network: Network, node: PeerNode, folder: Path, manifest: Manifest) -> None:
    """Return if the ledger of `node` can be put back from the backup in `folder`; nothing is touched.

    Raises:
        RunError: The backup is of another network, lacks the peer or is damaged; or the peer runs.
    """
    manifest.check_network(node.folder.genesis)
    entry = manifest.peer(node.name)
    if entry.msp_id != node.plan.msp_id:
        raise RunError("other_network", f"{node.name} of the backup is of {entry.msp_id}, not of {node.plan.msp_id}")
    if node.name in network.running():
        raise RunError("peer_runs", f"{node.name} runs: `countermark network down` first")
    check_mark(node.folder, node.name)
    check(folder, manifest.files_of(entry))


def put_back(network: Network, node: PeerNode, folder: Path, manifest: Manifest) -> Path | None:
    """Put the ledger of `node` back as the backup in `folder` has it, and return where the one before is now.

    `check_before` has returned. Until the names change at the end, the present ledger stays in its place.

    Raises:
        RunError: A file has been damaged since.
        OSError: There is no room.
    """
    data, entry = _data(node), manifest.peer(node.name)
    fresh = data.with_name("data.restoring")
    if fresh.exists():
        rmtree(fresh)  # of a run that was cut short
    copy_back(folder, manifest.files_of(entry), entry.folder, fresh)
    mark_node(node.folder, node.name)
    network.hand_over(fresh)
    aside = None
    if data.exists():
        aside = data.with_name(f"data.before-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        data.rename(aside)
    fresh.rename(data)
    sync_directory(data.parent)
    return aside


@contextmanager
def _stopped(network: Network, node: PeerNode) -> Iterator[None]:
    network.check_startable()
    try:
        network.stop([node.name])
        yield
    finally:
        # Also when the disk is full, or somebody has interrupted the copying.
        network.start([node.name])


def _serves(client: GatewayClient) -> bool:
    """Return whether the contracts can be called by way of the peer: before they are deployed they cannot."""
    try:
        reach_contracts(client)
    except LedgerError:
        return False
    return True


def _data(node: PeerNode) -> Path:
    return node.folder.node(node.name) / "data"
