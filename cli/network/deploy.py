"""`countermark network deploy`: the contracts come onto the channel, as far as the organisations here can help."""

from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, described_network
from countermark.cli.session import Session, session_command


@click.command("deploy")
@DIRECTORY
@session_command
def deploy(session: Session, directory: Path) -> None:
    """Install, approve and, once a majority has approved, commit the contracts; again goes on where it stopped."""
    from countermark.network.operations.contracts import Contracts

    network = described_network(session, directory)
    if session.dry_run:
        name = network.topology.chaincode
        session.result({"dry_run": True, "chaincode": name}, f"would install {name}, and approve and commit it")
        return
    progress = Contracts(network).deploy()
    document = {
        "chaincode": network.topology.chaincode,
        "sequence": progress.sequence,
        "committed": progress.committed,
        "missing": list(progress.missing),
    }
    state = "in force" if progress.committed else f"waiting for {', '.join(progress.missing)}"
    session.result(document, f"{network.topology.chaincode} sequence {progress.sequence}: {state}")
