"""`countermark platform found`: the market's first configuration, on a ledger that has none."""

from contextlib import closing
from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY
from countermark.cli.platform.options import PLATFORM, platform_folder
from countermark.cli.session import Session, session_command


@click.command("found")
@PLATFORM
@DIRECTORY
@click.option(
    "--connection",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Instead of --dir: connection file of the platform's peer, with its address as this machine reaches it.",
)
@click.option(
    "--guard",
    type=click.IntRange(1, 86_400),
    help="With --connection: seconds after a deadline before it may be enforced; at least the peers' time window.",
)
@session_command
def found(session: Session, platform: Path, directory: Path, file: Path | None, guard: int | None) -> None:
    """Put the market's first configuration onto the ledger unless there is one, with the keys of the folder.

    Its fees and deadlines are for development and demonstrations, and one folder has the keys of platform,
    supervisor and arbiters: a consortium agrees on its own, and every role makes its keys itself.
    """
    from countermark.cli.platform.network import connections, neighbour
    from countermark.cli.up.founding import Parties, found_market
    from countermark.network.client import GatewayClient

    folder = platform_folder(platform)
    if (file is None) != (guard is None):
        raise click.UsageError("--connection and --guard go together")
    if file is not None and guard is not None:
        (profile,), parties = connections([file]), Parties()
    else:
        beside = neighbour(directory)
        profile, parties, guard = beside.outside, beside.parties, beside.topology.time_window_s
    market = f"{profile.channel}/{profile.chaincode}"
    if session.dry_run:
        session.result({"dry_run": True, "market": market}, f"would found {market}")
        return
    with closing(GatewayClient(profile)) as client:
        founded = found_market(client, folder.roles, guard_s=guard, parties=parties)
    session.result({"market": market, "founded": founded}, market)
    session.say("founded" if founded else "it is there already")
