"""`countermark platform prepare`: the files that gateway, worker and database need in their containers."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from countermark.cli.platform.options import PLATFORM, Account, platform_folder
from countermark.cli.session import Session, session_command

if TYPE_CHECKING:
    from countermark.cli.platform.folder import Owner


@click.command("prepare")
@PLATFORM
@click.option(
    "--connection",
    "connections",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    required=True,
    help="Connection file of a peer, with its address as containers reach it; the platform's own first, then others.",
)
@click.option("--name", "names", multiple=True, help="Name or address under which clients reach the gateway.")
@click.option("--ledger", default="countermark-ledger", show_default=True, help="The engine's network of the peers.")
@click.option("--faucet", is_flag=True, help="Let anybody ask for money: for development only.")
@click.option("--owner", type=Account(), help="Account of the containers; its files are for it alone.")
@session_command
def prepare(
    session: Session,
    directory: Path,
    connections: tuple[Path, ...],
    names: tuple[str, ...],
    ledger: str,
    faucet: bool,
    owner: "Owner | None",
) -> None:
    """Make keys, passwords, certificates and configuration for docker/compose.yaml; again changes only what must.

    Run it again after certificates were renewed or peers have moved, and start gateway and worker anew.
    """
    from countermark.cli.platform.configuration import Plan, write
    from countermark.client.files import private_folder
    from countermark.network.client import ConnectionProfile

    folder = platform_folder(directory, owner)
    if not folder.owner.within_reach:
        raise click.UsageError("--owner: only root can give files to another account")
    plan = Plan([ConnectionProfile.load(one.absolute()) for one in connections], names, ledger, faucet)
    if session.dry_run:
        session.result({"dry_run": True, "platform": str(folder.path)}, f"would write to {folder.path}")
        return
    private_folder(folder.path)
    changed = write(folder, plan)
    session.result({"platform": str(folder.path), "market": plan.market, "written": changed}, str(folder.compose_env))
    session.say(f"{len(changed)} files written for {plan.market}")
