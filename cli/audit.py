"""`countermark audit`: the supervisor's view, from his own replica of the ledger."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.session import Session, session_command

if TYPE_CHECKING:
    from countermark.audit.replay import Replay

_CONNECTION = click.option(
    "--connection",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    envvar="COUNTERMARK_CONNECTION",
    help="Connection file of your own organisation's peer (connection/supervisor.json).",
)


@click.group("audit")
def command() -> None:
    """Replay your own replica of the ledger, block by block, and tell what it proves."""


@command.command("trade")
@click.argument("trade")
@_CONNECTION
@session_command
def trade(session: Session, trade: str, connection: Path) -> None:
    """Who sold what to whom, when and for how much; each step with its transaction."""
    from countermark.audit import accounts

    _show(session, connection, lambda replay: accounts.trade(replay, trade))


@command.command("listing")
@click.argument("listing")
@_CONNECTION
@session_command
def listing(session: Session, listing: str, connection: Path) -> None:
    """The commitments of a contract, its owners, each act on it."""
    from countermark.audit import accounts

    _show(session, connection, lambda replay: accounts.listing(replay, listing))


@command.command("account")
@click.argument("address")
@_CONNECTION
@session_command
def account(session: Session, address: str, connection: Path) -> None:
    """An account's money and trades."""
    from countermark.audit import accounts

    _show(session, connection, lambda replay: accounts.account(replay, address))


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

    _show(session, connection, report)


def replica(connection: Path) -> "Replay":
    """Return the replay of all blocks that the peer of ``connection`` holds now.

    Raises:
        AuditError: something in them does not hold.
    """
    from contextlib import closing

    from countermark.audit.replay import Replay
    from countermark.network.client import ConnectionProfile, GatewayClient

    with closing(GatewayClient(ConnectionProfile.load(connection))) as client:
        config = _market(client.evaluate("market.show"))
        replay = Replay(
            chaincode=client.profile.chaincode,
            platform=config["platform"]["msp_id"],
            supervisor=config["supervisor"]["msp_id"],
        )
        with closing(client.blocks(0, stop=client.newest_block().number)) as blocks:
            replay.apply_all(blocks)
    return replay


def _market(data: bytes) -> dict[str, Any]:
    import json

    config: dict[str, Any] = json.loads(data)
    return config


def _show(session: Session, connection: Path, report: Any) -> None:
    replay = replica(connection)
    document = {
        **report(replay),
        "verified": {"blocks": replay.height, "transactions": replay.transactions, "invalid": replay.invalid},
    }
    session.result(document, *_lines(document))


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
