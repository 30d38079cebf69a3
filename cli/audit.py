"""`countermark audit`: the supervisor's view, from his own replica of the ledger."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.session import Session, noun, session_command

if TYPE_CHECKING:
    from countermark.audit.replay import Replay

_CONNECTION = click.option(
    "--connection",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    envvar="COUNTERMARK_CONNECTION",
    help="Connection file of your own organisation's peer (connection/supervisor.json).",
)

MARKET = "market/config"
"""Key of the market configuration in the world state."""

command = noun("audit", "Replay your own replica of the ledger, block by block, and tell what it proves.")


@command.command("trade")
@click.argument("trade")
@_CONNECTION
@session_command
def trade(session: Session, trade: str, connection: Path) -> None:
    """Who sold what to whom, when and for how much; each step with its transaction."""
    from countermark.audit import accounts

    _show(session, connection, trade, lambda replay: accounts.trade(replay, trade))


@command.command("listing")
@click.argument("listing")
@_CONNECTION
@session_command
def listing(session: Session, listing: str, connection: Path) -> None:
    """The commitments of a contract, its owners, each act on it."""
    from countermark.audit import accounts

    _show(session, connection, listing, lambda replay: accounts.listing(replay, listing))


@command.command("account")
@click.argument("address")
@_CONNECTION
@session_command
def account(session: Session, address: str, connection: Path) -> None:
    """An account's money and trades."""
    from countermark.audit import accounts

    _show(session, connection, address, lambda replay: accounts.account(replay, address))


@command.command("money")
@_CONNECTION
@session_command
def money(session: Session, connection: Path) -> None:
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

    _show(session, connection, "", report)


def replica(connection: Path) -> "Replay":
    """Return the replay of all blocks that the peer of ``connection`` holds now.

    Raises:
        AuditError: something in them does not hold, or the peer cannot be asked.
    """
    from contextlib import closing

    from countermark.audit.errors import AuditError
    from countermark.audit.replay import Replay
    from countermark.network.client import ConnectionProfile, GatewayClient, LedgerError

    try:
        with closing(GatewayClient(ConnectionProfile.load(connection))) as client:
            config = client.evaluate("market.show")
            market = json.loads(config)
            replay = Replay(
                chaincode=client.profile.chaincode,
                platform=market["platform"]["msp_id"],
                supervisor=market["supervisor"]["msp_id"],
            )
            with closing(client.blocks(0, stop=client.newest_block().number)) as blocks:
                replay.apply_all(blocks)
    except LedgerError as error:
        raise AuditError(str(error.code), error.detail) from error
    # Who must endorse was asked of the peer; whether that was the truth stands in the blocks.
    founded = json.loads(replay.state.get(MARKET, b"{}"))
    if any(founded.get(role, {}).get("msp_id") != market[role]["msp_id"] for role in ("platform", "supervisor")):
        raise AuditError("market_differs", "the peer names another platform or supervisor than the ledger")
    return replay


def _show(session: Session, connection: Path, subject: str, report: Callable[["Replay"], dict[str, Any]]) -> None:
    replay = replica(connection)
    told = report(replay)
    verified = {
        "genesis": replay.genesis.hex(),
        "blocks": replay.height,
        "transactions": replay.transactions,
        "invalid": replay.invalid,
    }
    document = {**told, "verified": verified}
    session.result(document, *([subject] if subject else []), *_lines(document))


def _lines(document: dict[str, Any]) -> list[str]:
    lines = []
    for name, value in document.items():
        if name == "steps":
            lines += [
                f"{step['time']}  {step['function']:<16} {step['state']:<11} {step['tx']}  "
                f"endorsed by {', '.join(step['endorsed_by'])}"
                for step in value
            ]
        elif isinstance(value, list):
            lines += [f"{name}: {entry}" for entry in value]
        else:
            lines.append(f"{name}: {value}")
    return lines
