"""`countermark network up`: the nodes run, the channel is joined, the contracts are deployed, all of it answers."""

from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, FABRIC_BIN, MODE, described_network
from countermark.cli.session import Session, session_command


@click.command("up")
@DIRECTORY
@MODE
@FABRIC_BIN
@session_command
def up(session: Session, directory: Path, mode: str | None, fabric_bin: Path | None) -> None:
    """Start the nodes of this folder and return when they are ready; they run on until `network down`.

    Started again, it starts what has ended and goes on where it was interrupted.
    """
    from countermark.network.operations.contracts import Contracts

    network = described_network(session, directory, fabric_bin)
    if mode and mode != network.topology.mode:
        raise click.UsageError(f"{network.folder.description} says mode: {network.topology.mode}")
    if session.dry_run:
        names = sorted(set(network.names()) - set(network.running()))
        session.result({"dry_run": True, "starts": names}, *(f"would start {name}" for name in names))
        return
    network.up()
    progress = Contracts(network).deploy()
    document = {
        "dir": str(network.folder.path),
        "channel": network.topology.channel,
        "chaincode": network.topology.chaincode,
        "ready": progress.committed,
        "missing": list(progress.missing) if not progress.committed else [],
    }
    if progress.committed:
        network.wait_ready()
        session.result(document, f"ready: {network.topology.channel}/{network.topology.chaincode}")
    else:
        session.result(document, f"waiting for {', '.join(progress.missing)} to approve the contracts")
