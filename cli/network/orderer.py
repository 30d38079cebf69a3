"""`countermark network orderer`: an orderer that has lost its ledger is taken out of the channel and let in anew."""

from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, FABRIC_BIN, described_network
from countermark.cli.network.updates import write_update
from countermark.cli.session import Session, noun, session_command

_OUT = click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write the update to."
)

orderer = noun(
    "orderer",
    "An orderer that lost its ledger comes back: remove, return, then rejoin. Updates are signed and submitted as "
    "those of join-org.",
)


@orderer.command("remove")
@click.argument("name")
@DIRECTORY
@_OUT
@session_command
def remove(session: Session, name: str, directory: Path, out: Path) -> None:
    """Write the change of the channel's configuration by which the orderer NAME orders no more, for all to sign."""
    from countermark.network.operations import replacing

    write_update(session, out, *replacing.propose_removal(described_network(session, directory), name))


@orderer.command("return")
@click.argument("name")
@DIRECTORY
@_OUT
@session_command
def return_(session: Session, name: str, directory: Path, out: Path) -> None:
    """Write the change of the channel's configuration by which the orderer NAME orders again, for all to sign."""
    from countermark.network.operations import replacing

    write_update(session, out, *replacing.propose_return(described_network(session, directory), name))


@orderer.command("rejoin")
@click.argument("name")
@DIRECTORY
@FABRIC_BIN
@session_command
def rejoin(session: Session, name: str, directory: Path, fabric_bin: Path | None) -> None:
    """Start the orderer NAME, which has been let in again, with an empty ledger; it fetches all blocks.

    What it had gets another name.
    """
    from countermark.network.operations import replacing

    network = described_network(session, directory, fabric_bin)
    if session.dry_run:
        session.result({"dry_run": True, "orderer": name}, f"would start {name} with an empty ledger")
        return
    aside = replacing.rejoin(network, name)
    session.result(
        {"orderer": name, "before": str(aside or "")},
        f"{name} orders again" + (f"; before: {aside}" if aside else ""),
    )
