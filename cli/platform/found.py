"""`countermark platform found`: the market's first configuration, on a ledger that has none."""

from contextlib import closing
from pathlib import Path

import click

from countermark.cli.platform.options import PLATFORM, platform_folder
from countermark.cli.session import Session, session_command


@click.command("found")
@PLATFORM
@click.option(
    "--connection",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="Connection file of the platform's peer, with its address as this machine reaches it.",
)
@click.option(
    "--guard",
    type=click.IntRange(1, 86_400),
    required=True,
    help="Seconds after a deadline before it may be enforced; at least the peers' time window.",
)
@session_command
def found(session: Session, directory: Path, connection: Path, guard: int) -> None:
    """Put the market's first configuration onto the ledger unless there is one, with the keys of the folder.

    Its fees and deadlines are for development and demonstrations, and one folder has the keys of platform,
    supervisor and arbiters: a consortium agrees on its own, and every role makes its keys itself.
    """
    from countermark.cli.up.founding import found_market
    from countermark.network.client import ConnectionProfile, GatewayClient

    folder = platform_folder(directory)
    profile = ConnectionProfile.load(connection.absolute())
    market = f"{profile.channel}/{profile.chaincode}"
    if session.dry_run:
        session.result({"dry_run": True, "market": market}, f"would found {market}")
        return
    with closing(GatewayClient(profile)) as client:
        founded = found_market(client, folder.roles, guard_s=guard)
    session.result({"market": market, "founded": founded}, market)
    session.say("founded" if founded else "it is there already")
