"""`countermark audit`: the supervisor's view, from his own replica of the ledger."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.replica import CONNECTION
from countermark.cli.session import Session, noun, session_command

if TYPE_CHECKING:
    from countermark.audit.replay import Replay

_GENESIS = click.option(
    "--genesis",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="COUNTERMARK_GENESIS",
    help="The channel's genesis block (common.Block), got from whom you trust; if not given, genesis.block in the "
    "connection file's folder or beside that folder.",
)

MARKET = "market/config"
"""Key of the market configuration in the world state."""

command = noun("audit", "Replay your own replica of the ledger, block by block, and tell what it proves.")


@command.command("trade")
@click.argument("trade")
@CONNECTION
@_GENESIS
@session_command
def trade(session: Session, trade: str, connection: Path, genesis: Path | None) -> None:
    """Who sold what to whom, when and for how much; each step with its transaction."""
    from countermark.audit import accounts

    _show(session, connection, genesis, trade, lambda replay: accounts.trade(replay, trade))


@command.command("listing")
@click.argument("listing")
@CONNECTION
@_GENESIS
@session_command
def listing(session: Session, listing: str, connection: Path, genesis: Path | None) -> None:
    """The commitments of a contract, its owners, each act on it."""
    from countermark.audit import accounts

    _show(session, connection, genesis, listing, lambda replay: accounts.listing(replay, listing))


@command.command("account")
@click.argument("address")
@CONNECTION
@_GENESIS
@session_command
def account(session: Session, address: str, connection: Path, genesis: Path | None) -> None:
    """An account's money and trades."""
    from countermark.audit import accounts

    _show(session, connection, genesis, address, lambda replay: accounts.account(replay, address))


@command.command("money")
@CONNECTION
@_GENESIS
@session_command
def money(session: Session, connection: Path, genesis: Path | None) -> None:
    """The sum of all money: minted, burnt, in accounts, in escrow."""
    from countermark.audit.money import count_money

    def report(replay: "Replay") -> dict[str, Any]:
        counted = count_money(replay)
        return {
            "minted": str(counted.minted),
            "burnt": str(counted.burnt),
            "in_accounts": str(counted.in_accounts),
            "in_escrow": str(counted.in_escrow),
        }

    _show(session, connection, genesis, "", report)


def replica(connection: Path, genesis: Path | None = None) -> "Replay":
    """Return the replay of all blocks that the peer of ``connection`` holds now, from the block in ``genesis`` on.

    Raises:
        AuditError: something in them does not hold, or the peer cannot be asked.
        click.UsageError: no genesis block is given, and none lies where it is looked for.
    """
    from contextlib import closing

    from countermark.audit.errors import AuditError
    from countermark.audit.replay import Replay
    from countermark.network.client import ConnectionProfile, GatewayClient, LedgerError

    known = _genesis_hash(genesis or _found(connection))
    try:
        with closing(GatewayClient(ConnectionProfile.load(connection))) as client:
            named = _roles(client.evaluate("market.show"))
            replay = Replay(
                genesis=known,
                chaincode=client.profile.chaincode,
                platform=named["platform"],
                supervisor=named["supervisor"],
            )
            with closing(client.blocks(0, stop=client.newest_block().number)) as blocks:
                replay.apply_all(blocks)
    except LedgerError as error:
        raise AuditError(str(error.code), error.detail) from error
    # Who must endorse was asked of the peer; whether that was the truth stands in the blocks.
    if MARKET not in replay.state or _roles(replay.state[MARKET]) != named:
        raise AuditError("market_differs", "the peer names another platform or supervisor than the ledger")
    return replay


def _roles(config: bytes) -> dict[str, str]:
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


def _found(connection: Path) -> Path:
    folder = connection.resolve().parent
    for path in (folder / "genesis.block", folder.parent / "genesis.block"):
        if path.is_file():
            return path
    raise click.UsageError(
        "which channel? --genesis FILE with its genesis block, as the consortium gave it to you: whoever serves the "
        "blocks must not choose the first one"
    )


def _genesis_hash(path: Path) -> bytes:
    from countermark.network.blocks import parse_block
    from countermark.network.errors import NetworkError

    try:
        block = parse_block(path.read_bytes())
    except NetworkError as error:
        raise click.UsageError(f"{path} holds no block: {error}") from error
    if block.number:
        raise click.UsageError(f"{path} holds block {block.number}, not a genesis block")
    return block.header_hash


def _show(
    session: Session,
    connection: Path,
    genesis: Path | None,
    subject: str,
    report: Callable[["Replay"], dict[str, Any]],
) -> None:
    replay = replica(connection, genesis)
    told = report(replay)
    verified = {
        "genesis": replay.genesis.hex(),
        "blocks": replay.height,
        "transactions": replay.transactions,
        "invalid": replay.invalid,
    }
    document = {**told, "verified": verified}
    checked = (
        f"verified: {replay.height} blocks with {replay.transactions} transactions, "
        f"{replay.invalid} of them invalid, from genesis block {replay.genesis.hex()} on"
    )
    session.result(document, *([subject] if subject else []), *_lines(told), checked)


def _lines(document: dict[str, Any]) -> list[str]:
    """Return ``document`` for people: steps as a table, members of members by both names."""
    lines = []
    for name, value in document.items():
        if isinstance(value, dict):
            lines += _lines({f"{name}.{inner}": one for inner, one in value.items()})
        elif name == "steps":
            lines += [
                f"{step['time']}  {step['function']:<16} {step['state']:<11} {step['tx']}  "
                f"endorsed by {', '.join(step['endorsed_by'])}"
                for step in value
            ]
        elif isinstance(value, list):
            rows = ("  ".join(map(str, entry.values())) if isinstance(entry, dict) else entry for entry in value)
            lines += [f"{name}: {row}" for row in rows]
        else:
            lines.append(f"{name}: {value}")
    return lines
