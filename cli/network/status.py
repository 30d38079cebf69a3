"""`countermark network status`: how the nodes of a folder are."""

import dataclasses
from pathlib import Path

import click

from countermark.cli.network.options import DIRECTORY, described_network
from countermark.cli.session import Session, session_command


@click.command("status")
@DIRECTORY
@session_command
def status(session: Session, directory: Path) -> None:
    """Show each node: whether it is healthy, how many blocks it has. Exit status 1 if one is not well."""
    from countermark.network.compose import status as containers
    from countermark.network.compose.network import ComposeNetwork
    from countermark.network.native import status as processes

    network = described_network(session, directory)
    if isinstance(network, ComposeNetwork):
        found = list(containers.statuses(network))
    else:
        found = list(processes.statuses(network))
    lines = [
        f"{one.name:<32} {one.kind:<9} {'healthy' if one.healthy else 'NOT WELL':<8} "
        f"pid {one.pid or '-':<8} blocks {'-' if one.height is None else one.height:<8} {one.detail}".rstrip()
        for one in found
    ]
    well = all(one.healthy for one in found)
    session.result({"healthy": well, "nodes": [dataclasses.asdict(one) for one in found]}, *lines)
    if not well:
        raise click.exceptions.Exit(1)
