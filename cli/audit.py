"""`countermark audit`: the supervisor's view, from his own replica of the ledger."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.bundles import export, roots, verify
from countermark.cli.evidence import board
from countermark.cli.listed import lines
from countermark.cli.reconciling import reconcile
from countermark.cli.replica import CONNECTION
from countermark.cli.session import Session, noun, session_command
from countermark.cli.trust import GENESIS, MARKET, found, genesis_hash, market_roles

if TYPE_CHECKING:
    from countermark.audit.replay import Replay

command = noun("audit", "Replay your own replica of the ledger, block by block, and tell what it proves.")
for one in (export, verify, roots, board, reconcile):
    command.add_command(one)


@command.command("trade")
@click.argument("trade")
@CONNECTION
@GENESIS
@session_command
def trade(session: Session, trade: str, connection: Path, genesis: Path | None) -> None:
    """Who sold what to whom, when and for how much; each step with its transaction."""
    from countermark.audit import accounts

    _show(session, connection, genesis, trade, lambda replay: accounts.trade(replay, trade))


@command.command("listing")
@click.argument("listing")
@CONNECTION
@GENESIS
@session_command
def listing(session: Session, listing: str, connection: Path, genesis: Path | None) -> None:
    """The commitments of a contract, its owners, each act on it."""
    from countermark.audit import accounts

    _show(session, connection, genesis, listing, lambda replay: accounts.listing(replay, listing))


@command.command("claim")
@click.argument("claim")
@CONNECTION
@GENESIS
@session_command
def claim(session: Session, claim: str, connection: Path, genesis: Path | None) -> None:
    """Who has claimed whose contract, and how it ended; each step with its transaction."""
    from countermark.audit import accounts

    _show(session, connection, genesis, claim, lambda replay: accounts.claim(replay, claim))


@command.command("account")
@click.argument("address")
@CONNECTION
@GENESIS
@session_command
def account(session: Session, address: str, connection: Path, genesis: Path | None) -> None:
    """An account's money and trades."""
    from countermark.audit import accounts

    _show(session, connection, genesis, address, lambda replay: accounts.account(replay, address))


@command.command("money")
@CONNECTION
@GENESIS
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

    known = genesis_hash(genesis or found(connection))
    try:
        with closing(GatewayClient(ConnectionProfile.load(connection))) as client:
            named = market_roles(client.evaluate("market.show"))
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
    if MARKET not in replay.state or market_roles(replay.state[MARKET]) != named:
        raise AuditError("market_differs", "the peer names another platform or supervisor than the ledger")
    return replay


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
    session.result(document, *([subject] if subject else []), *lines(told), checked)
