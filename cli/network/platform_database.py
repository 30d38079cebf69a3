"""The platform's database as backups know it: where it answers, and of which market on which network it is."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from countermark.network.operations.network import Network

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The platform's database: that of this folder of `countermark up`.",
)
DATABASE = click.option("--database", is_flag=True, help="The platform's database: the one that DATABASE_URL names.")


@dataclass(frozen=True)
class PlatformDatabase:
    """A database that answers, and what it is of."""

    url: str
    market: str
    """Channel/chaincode."""
    genesis: Path
    """File of the genesis block of the market's network."""

    def height(self) -> int:
        """Return how many blocks its tables have.

        Raises:
            MarketError: it does not answer.
        """
        from countermark.platform.projection import Projector
        from countermark.platform.store.engine import Database

        with closing(Database(self.url)) as database:
            return Projector(database, chaincode=self.market.partition("/")[2]).next_block()


@contextmanager
def platform_database(data: Path | None, network: "Network | None", *, idle: bool) -> Iterator[PlatformDatabase]:
    """Give the database of the platform whose folder is ``data``, else the one that DATABASE_URL names.

    Where no platform runs it, it is started for the block. ``idle`` wants the platform of this machine not to run,
    and keeps it from being started meanwhile.

    Raises:
        click.UsageError: no platform has run on ``data``, or nothing names a database.
        ClientError: the platform is to be idle, and runs.
        MarketError: the database does not start.
    """
    from countermark.cli.up.data import DataFolder
    from countermark.cli.up.stack import exclusive
    from countermark.client.errors import ClientError
    from countermark.platform.store.postgres import EmbeddedPostgres

    url = os.environ.get("DATABASE_URL", "")
    if data is None:
        if not url or network is None:
            raise click.UsageError("--database is the one that DATABASE_URL names")
        market = f"{network.topology.channel}/{network.topology.chaincode}"
        yield PlatformDatabase(url, market, network.folder.genesis)
        return
    folder = DataFolder(data.resolve())
    if not folder.gateway_config.exists():
        raise click.UsageError(f"no platform has run on {folder.path}")
    market = str(json.loads(folder.gateway_config.read_bytes())["market"])
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(folder))
        except ClientError:
            if idle:
                raise
            url = url or folder.database_url_file.read_text().strip()
        else:
            url = url or stack.enter_context(EmbeddedPostgres(folder.postgres)).url
        yield PlatformDatabase(url, market, folder.genesis_file)
