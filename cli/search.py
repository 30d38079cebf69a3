"""`countermark search`: find listings by a sample."""

from pathlib import Path

import click

from countermark.cli.session import Session, session_command


@click.command("search")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@session_command
def command(session: Session, path: Path) -> None:
    """Find listings that resemble FILE; only its fingerprint leaves this machine, sealed to the platform."""
    from countermark.client import searches

    found = searches.by_sample(session.market(), session.keys, path)
    session.result({"listings": found}, *found)
    if not found and not session.as_json:
        session.say("nothing on the market resembles this file")
