"""What all verbs of `countermark network` share: the folder, the description in it, the network that runs from it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from countermark.cli.session import Session

if TYPE_CHECKING:
    from countermark.network.nodes.folder import NetworkFolder
    from countermark.network.operations.network import Network

DEFAULT = Path("countermark-network")

DIRECTORY = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT,
    show_default=True,
    help="Folder of the network.",
)

MODE = click.option("--mode", type=click.Choice(["native", "compose"]), help="How the nodes run.")

FABRIC_BIN = click.option(
    "--fabric-bin",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="COUNTERMARK_FABRIC_BIN",
    help="Folder with Fabric's peer and orderer; else they are looked for on PATH.",
)


def network_folder(directory: Path) -> "NetworkFolder":
    """Return the folder of the network `directory`."""
    from countermark.network.nodes.folder import NetworkFolder

    return NetworkFolder(directory.resolve())


def described_network(session: Session, directory: Path, fabric_bin: Path | None = None) -> "Network":
    """Return the network that the folder `directory` describes, natively run by the programs in `fabric_bin`.

    Raises:
        click.UsageError: there is no description.
        TopologyError: it is malformed.
    """
    from countermark.network.compose.network import ComposeNetwork
    from countermark.network.native.network import NativeNetwork
    from countermark.network.topology import Mode, load

    folder = network_folder(directory)
    if not folder.description.exists():
        raise click.UsageError(f"{folder.description} is missing: `countermark network generate` writes one")
    report: Callable[[str], None] = session.say
    topology = load(folder.description)
    if topology.mode is Mode.COMPOSE:
        return ComposeNetwork(folder, topology, report)
    return NativeNetwork(folder, topology, report, fabric_bin)
