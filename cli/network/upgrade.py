"""`countermark network upgrade`: new contracts, or a new definition, while trades go on."""

from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, described_network
from countermark.cli.session import Session, session_command


@click.command("upgrade")
@DIRECTORY
@click.option("--version", required=True, help="What the new definition is called; organisations must agree on it.")
@session_command
def upgrade(session: Session, directory: Path, version: str) -> None:
    """Bring the contracts that are installed here into force, with the policy that network.yaml gives.

    The first organisation proposes by approving; a majority brings it into force; each runs this command, again after
    the others if they were late. The old contracts serve until then.
    """
    from countermark.network.operations.contracts import Contracts

    network = described_network(session, directory)
    if session.dry_run:
        name = network.topology.chaincode
        document = {"dry_run": True, "chaincode": name, "version": version}
        session.result(document, f"would install {name} {version}, and approve and commit it")
        return
    progress = Contracts(network).upgrade(version)
    document = {
        "chaincode": network.topology.chaincode,
        "version": version,
        "sequence": progress.sequence,
        "committed": progress.committed,
        "missing": list(progress.missing),
    }
    state = "in force" if progress.committed else f"waiting for {', '.join(progress.missing)}"
    session.result(document, f"{network.topology.chaincode} {version}, sequence {progress.sequence}: {state}")
