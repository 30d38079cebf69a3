"""What commands for whoever runs the platform share: its data folder, and its parts as its processes have them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from countermark.gateway.services import PlatformServices

DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of `countermark up`, while that runs."
)


@contextmanager
def platform_services(data: Path | None) -> Iterator["PlatformServices"]:
    """Give the services of the platform whose data folder is ``data``, or the default one.

    Raises:
        click.UsageError: no platform has run on it.
    """
    from countermark.cli.up.command import default_data
    from countermark.cli.up.data import DataFolder
    from countermark.gateway import config
    from countermark.gateway.services import from_config

    file = DataFolder((data or default_data()).resolve()).gateway_config
    if not file.exists():
        raise click.UsageError(f"no platform has run on {file.parent.parent}: --data names its folder")
    configured = config.load(file)
    if not isinstance(configured, config.PlatformConfig):
        raise click.UsageError(f"{file.parent.parent} is the folder of a member's gateway, not of the platform")
    services = from_config(configured)
    try:
        yield services
    finally:
        services.close()
