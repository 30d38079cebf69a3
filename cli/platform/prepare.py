"""`countermark platform prepare`: the files that gateway, worker and database need in their containers."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from countermark.cli.network.options import DIRECTORY
from countermark.cli.platform.options import PLATFORM, Account, platform_folder
from countermark.cli.session import Session, session_command

if TYPE_CHECKING:
    from countermark.network.nodes.owner import Owner


@click.command("prepare")
@PLATFORM
@DIRECTORY
@click.option(
    "--connection",
    "files",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Instead of --dir: connection file of a peer, with its address as containers reach it; the platform's own "
    "first, then others.",
)
@click.option("--ledger", help="With --connection: the engine's network in which the peers are.")
@click.option("--name", "names", multiple=True, help="Name or address under which clients reach the gateway.")
@click.option("--faucet", is_flag=True, help="Let anybody ask for money: for development only.")
@click.option("--owner", type=Account(), help="Account of the containers; its files are for it alone.")
@session_command
def prepare(
    session: Session,
    platform: Path,
    directory: Path,
    files: tuple[Path, ...],
    ledger: str | None,
    names: tuple[str, ...],
    faucet: bool,
    owner: "Owner | None",
) -> None:
    """Make keys, passwords, certificates and configuration for docker/compose.yaml; again changes only what must.

    Run it again after certificates were renewed or peers have moved, and start gateway and worker anew.
    """
    from countermark.cli.platform.configuration import Plan, write
    from countermark.cli.platform.network import connections, neighbour
    from countermark.client.files import private_folder

    folder = platform_folder(platform, owner)
    if not folder.owner.within_reach:
        raise click.UsageError("--owner: only root can give files to another account")
    if bool(files) != bool(ledger):
        raise click.UsageError("--connection and --ledger go together")
    if files:
        plan = Plan(connections(files), names, str(ledger), faucet)
    else:
        beside = neighbour(directory)
        plan = Plan(beside.inside, names, beside.ledger, faucet, beside.targets)
    if session.dry_run:
        session.result({"dry_run": True, "platform": str(folder.path)}, f"would write to {folder.path}")
        return
    private_folder(folder.path)
    changed = write(folder, plan)
    session.result({"platform": str(folder.path), "market": plan.market, "written": changed}, str(folder.compose_env))
    session.say(f"{len(changed)} files written for {plan.market}")
