"""`countermark network backup`: peers' ledgers and the platform's database, copied while the rest goes on."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from countermark.cli.network.options import DIRECTORY, FABRIC_BIN, described_network
from countermark.cli.network.platform_database import DATA, DATABASE, platform_database
from countermark.cli.session import Session, session_command

if TYPE_CHECKING:
    from countermark.network.operations.backups.drafts import Draft
    from countermark.network.operations.network import Network


@click.command("backup")
@DIRECTORY
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder to make, for its owner only."
)
@click.option("--peer", "names", multiple=True, help="Peer to copy; may be given again. All of this folder if not.")
@click.option("--no-peers", is_flag=True, help="Copy the database alone.")
@DATA
@DATABASE
@FABRIC_BIN
@session_command
def backup(
    session: Session,
    directory: Path,
    out: Path,
    names: tuple[str, ...],
    no_peers: bool,
    data: Path | None,
    database: bool,
    fabric_bin: Path | None,
) -> None:
    """Copy the ledgers of peers and the platform's database, with a manifest, into a new folder.

    One peer after the other is stopped, copied and started again; the platform goes on. Keys are not copied, nor are
    orderers, who have every block from one another.
    """
    from countermark.network.operations.backups import drafts, peers
    from countermark.network.operations.backups.manifest import network_of

    with_database = data is not None or database
    if no_peers and (names or not with_database):
        raise click.UsageError("--no-peers is for a backup of the database alone: --data, or --database")
    network = None if no_peers and data is not None else described_network(session, directory, fabric_bin)
    nodes = peers.named(network, names) if network and not no_peers else []
    what = [*(one.name for one in nodes), *(["the platform's database"] if with_database else [])]
    if session.dry_run:
        session.result({"dry_run": True, "out": str(out), "copied": what}, *(f"would copy {one}" for one in what))
        return
    with drafts.drafted(out.absolute()) as draft:
        identity = network_of(network.folder.genesis) if network else ""
        if with_database:
            identity = _add_database(session, data, network, draft)
        if network and nodes:
            for node in nodes:
                draft.add_peer(*peers.take(network, node, draft.path))
        manifest = draft.finish(identity)
    document = {
        "out": str(out),
        "network": manifest.network,
        "peers": {one.name: one.height for one in manifest.peers},
        "database": manifest.database.height if manifest.database else None,
        "bytes": sum(one.size for one in manifest.files),
    }
    session.result(document, str(out), *(f"copied {one}" for one in what))


def _add_database(session: Session, data: Path | None, network: "Network | None", draft: "Draft") -> str:
    """Copy the database, and return the digest of its network's genesis block."""
    from countermark.network.native.errors import RunError
    from countermark.network.operations.backups.manifest import PlatformDatabase, network_of
    from countermark.platform.store.postgres import dumps

    with platform_database(data, network, idle=False) as found:
        identity = network_of(found.genesis)
        if network and identity != network_of(network.folder.genesis):
            raise RunError("other_network", f"the platform of {data} is not on the network of {network.folder.path}")
        entry = PlatformDatabase(found.market, found.height())
        with dumps.dumping(found.url) as stream:
            draft.add_database(entry, stream)
    session.say(f"the database of {entry.market} is copied; its tables have {entry.height} blocks")
    return identity
