"""`countermark network restore`: what a backup has of a peer or of the platform's database becomes what there is."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from countermark.cli.network.options import DIRECTORY, described_network
from countermark.cli.network.platform_database import DATA, DATABASE, PlatformDatabase, platform_database
from countermark.cli.session import Session, session_command

if TYPE_CHECKING:
    from countermark.network.operations.backups.manifest import Manifest


@click.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@DIRECTORY
@click.option("--peer", "names", multiple=True, help="Peer to restore; may be given again.")
@DATA
@DATABASE
@session_command
def restore(
    session: Session,
    folder: Path,
    directory: Path,
    names: tuple[str, ...],
    data: Path | None,
    database: bool,
) -> None:
    """Put back from the backup FOLDER what is named, whole or not at all; what is there now gets another name.

    Everything is checked before anything is touched. Peers and platform must not run; `network up` and `up` start
    them again, and they fetch what has happened since. Orderers are never restored: they are added anew.
    """
    from countermark.network.operations.backups import manifest as manifests
    from countermark.network.operations.backups import peers
    from countermark.platform.store.postgres import dumps

    with_database = data is not None or database
    if not names and not with_database:
        raise click.UsageError("what is to be restored? --peer NAME, --data FOLDER or --database")
    network = described_network(session, directory) if names or data is None else None
    nodes = [(network, node) for node in peers.named(network, names)] if network and names else []
    manifest = manifests.load(folder)
    for here, node in nodes:
        peers.check_before(here, node, folder, manifest)
    with ExitStack() as stack:
        found = stack.enter_context(platform_database(data, network, idle=True)) if with_database else None
        if found is not None:
            _check_database(found, folder, manifest)
        if session.dry_run:
            what = [*(one.name for _, one in nodes), *(["the platform's database"] if found else [])]
            session.result({"dry_run": True, "restored": what}, *(f"would restore {one}" for one in what))
            return
        aside: dict[str, str] = {}
        for here, node in nodes:
            aside[node.name] = str(peers.put_back(here, node, folder, manifest) or "")
        if found is not None:
            aside["database"] = dumps.restore(found.url, folder / manifest.dump.path)
    lines = [f"{name} restored" + (f"; before: {before}" if before else "") for name, before in aside.items()]
    session.result({"restored": list(aside), "before": aside}, *lines)


def _check_database(found: PlatformDatabase, folder: Path, manifest: "Manifest") -> None:
    """Return if the backup in ``folder`` has the database of the same market, undamaged.

    Raises:
        RunError: it has not.
    """
    from countermark.network.native.errors import RunError
    from countermark.network.operations.backups.files import check

    manifest.check_network(found.genesis)
    check(folder, [manifest.dump])
    if manifest.database is None or manifest.database.market != found.market:
        raise RunError("other_market", f"the backup is not of the market {found.market}")
