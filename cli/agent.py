"""`countermark agent`: a party that acts by itself."""

import signal
from pathlib import Path

import click

from countermark.cli.session import Session, noun, session_command

command = noun("agent", "A party that acts by itself.")


@command.command("run")
@click.option("--once", is_flag=True, help="Do what can be done now, then end.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Where purchases are stored.")
@session_command
def run(session: Session, once: bool, output: Path | None) -> None:
    """Do, in every trade of the account, whatever is its turn: accept, send, receive, confirm. Ctrl-C ends it."""
    from countermark.client.agent import Agent, Folders

    home = session.home
    folders = Folders(home.path / "packages", home.path / "downloads", output or home.path / "purchases")

    def report(trade: str, text: str) -> None:
        click.echo(f"{trade}  {text}" if trade else text, err=session.as_json)

    # What has not committed yet would look like an act that is still to be done.
    agent = Agent(session.market(wait=True), session.keys, session.vault, folders, report)
    if session.dry_run:
        turns = agent.turns()
        document = {"dry_run": True, "acts": [{"trade": trade, "act": name} for trade, name in turns]}
        session.result(document, *(f"{trade}  {name}" for trade, name in turns))
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.end())
    acts = 0
    if once:
        while done := agent.step():
            acts += done
    else:
        acts = agent.run()
    session.result({"acts": acts}, *([f"{acts} acts"] if once else []))
