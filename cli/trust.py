"""What an audit begins with: the genesis block or the root certificates that its reader trusts, and whose market."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from countermark.network.blocks import Block

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

GENESIS = click.option(
    "--genesis",
    type=_FILE,
    envvar="COUNTERMARK_GENESIS",
    help="The channel's genesis block (common.Block), got from whom you trust; if not given, genesis.block in the "
    "connection file's folder or beside that folder.",
)

GIVEN_GENESIS = click.option(
    "--genesis",
    type=_FILE,
    envvar="COUNTERMARK_GENESIS",
    help="The channel's genesis block (common.Block), got from whom you trust.",
)

ROOTS = click.option(
    "--roots",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="COUNTERMARK_ROOTS",
    help="Folder with the root certificates of all organisations, got from whom you trust: members/MSPID.pem and "
    "orderers/MSPID.pem (`audit roots` makes one).",
)

UNTRUSTED = (
    "whom do you trust? --roots FOLDER with the organisations' root certificates, or --genesis FILE with the "
    "channel's first block, as the consortium gave it to you"
)
"""What is said where neither is given."""

MARKET = "market/config"
"""Key of the market configuration in the world state."""


def market_roles(config: bytes) -> dict[str, str]:
    """Return the MSP ids of platform and supervisor in a market configuration.

    Raises:
        AuditError: ``market_differs``; it is none.
    """
    from countermark.audit.errors import AuditError

    try:
        document = json.loads(config)
        return {role: str(document[role]["msp_id"]) for role in ("platform", "supervisor")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AuditError("market_differs", "the peer answers with something else than a market") from error


def found(connection: Path) -> Path:
    """Return the genesis block that lies with the file ``connection``.

    Raises:
        click.UsageError: none lies there.
    """
    folder = connection.resolve().parent
    for path in (folder / "genesis.block", folder.parent / "genesis.block"):
        if path.is_file():
            return path
    raise click.UsageError(
        "which channel? --genesis FILE with its genesis block, as the consortium gave it to you: whoever serves the "
        "blocks must not choose the first one"
    )


def genesis_block(path: Path) -> "Block":
    """Return the genesis block in the file ``path``.

    Raises:
        click.UsageError: it holds no block, or another one.
    """
    from countermark.network.blocks import parse_block
    from countermark.network.errors import NetworkError

    try:
        block = parse_block(path.read_bytes())
    except NetworkError as error:
        raise click.UsageError(f"{path} holds no block: {error}") from error
    if block.number:
        raise click.UsageError(f"{path} holds block {block.number}, not a genesis block")
    return block


def genesis_hash(path: Path) -> bytes:
    """Return the header hash of the genesis block in the file ``path``.

    Raises:
        click.UsageError: it holds no block, or another one.
    """
    return genesis_block(path).header_hash
