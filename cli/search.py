"""`countermark search`: find listings by a sample."""

from pathlib import Path

import click

from countermark.cli.paying import PAY, paying_of, told
from countermark.cli.session import Session, session_command


@click.command("search")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True))
@PAY
@session_command
def command(session: Session, path: Path, pay: bool) -> None:
    """Find listings that resemble FILE; only its fingerprint leaves this machine, sealed to the platform.

    FILE may be a picture, table, text or any other file, or a folder or zip archive: some of its files are asked for.
    """
    from countermark.client import searches

    paying = paying_of(session, pay=pay)
    found = searches.by_sample(session.market(), session.keys, path, session.progress("fingerprints"), paying=paying)
    session.result({"listings": found, **told(session, paying)}, *found)
    if not found and not session.as_json:
        session.say("nothing on the market resembles this file")
