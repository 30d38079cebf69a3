"""`countermark network down`: the nodes of a folder end; what they store stays."""

from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, described_network
from countermark.cli.session import Session, session_command


@click.command("down")
@DIRECTORY
@session_command
def down(session: Session, directory: Path) -> None:
    """End the processes that `network up` started from this folder, and no others; ledgers and keys stay."""
    network = described_network(session, directory)
    if session.dry_run:
        running = network.running()
        session.result({"dry_run": True, "running": running}, *(f"would end {name}" for name in running))
        return
    ended = network.down()
    session.result({"ended": ended}, f"{ended} processes ended")
