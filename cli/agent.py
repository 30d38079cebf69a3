"""`countermark agent`: a party that acts by itself."""

import signal
import threading
from pathlib import Path

import click

from countermark.cli.session import Session, session_command


@click.group("agent")
def command() -> None:
    """A party that acts by itself."""


@command.command("run")
@click.option("--once", is_flag=True, help="Do what can be done now, then end.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Where purchases are stored.")
@session_command
def run(session: Session, once: bool, output: Path | None) -> None:
    """Do, in every trade of the account, whatever is its turn: accept, send, receive, confirm. Ctrl-C ends it."""
    from countermark.client.agent import Agent, Folders

    home = session.home
    folders = Folders(home.path / "packages", output or home.path / "purchases")

    def report(trade: str, text: str) -> None:
        click.echo(f"{trade}  {text}" if trade else text, err=session.as_json)

    agent = Agent(session.market(), session.keys, home.vault(session.keys), folders, report)
    if once:
        acts = 0
        while done := agent.step():
            acts += done
        session.result({"acts": acts}, f"{acts} acts")
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    agent.run(stop)
