"""`countermark tables`: the database's copy of the ledger, made anew and compared, for whoever runs the platform."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.failures import ERROR
from countermark.cli.operating import DATA, platform_services
from countermark.cli.session import Session, noun, session_command
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.protocol.errors import ErrorCode, MarketError

if TYPE_CHECKING:
    from countermark.gateway.services import PlatformServices
    from countermark.platform.board.checking import BoardReport
    from countermark.platform.contracts.restoring import Contract
    from countermark.platform.projection import Rebuilt

command = noun("tables", "The database's copy of the ledger, on the platform's own machine.")


@command.command("rebuild")
@DATA
@session_command
def rebuild(session: Session, data: Path | None) -> int:
    """Fill all that the database has from the ledger anew, while the platform runs, and say what was different.

    Ledger-derived columns are made again from block 0 in one transaction, tables that are gone among them. Private
    columns are compared with the private collection and restored. The board cannot come from the ledger: it is
    checked against its anchors, and of it only the hashes above its entries are made again. With --dry-run nothing is
    changed. The status is 1 if anything is wrong that is not repaired.
    """
    with platform_services(data) as services, told_to_operators():
        session.say("the blocks are applied again; the platform goes on, and sees the new rows when all are there")
        rebuilt, contracts, board = _rebuild(services, dry_run=session.dry_run)
    session.result(_document(rebuilt, contracts, board), *_lines(rebuilt, contracts, board))
    repaired = not session.dry_run
    well = board.holds and all(_is_well(contract, repaired=repaired) for contract in contracts)
    return 0 if well and (repaired or rebuilt.same) else ERROR


@command.command("prove")
@click.argument("seq", type=click.IntRange(min=0))
@DATA
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The answer; a file that is there is not replaced.",
)
@session_command
def prove(session: Session, seq: int, data: Path | None, output: Path) -> None:
    """Write the path of entry SEQ of the board to the last anchor: what the platform answers to who shows a receipt.

    `audit board --answer` takes it. It tells nothing of what the entry says.
    """
    import json

    from countermark.client.files import write_private
    from countermark.platform.views.board import prove_entry

    if output.exists():
        raise click.UsageError(f"{output} is there already")
    with platform_services(data) as services, told_to_operators(), services.database.begin() as connection:
        document = prove_entry(connection, services.board, seq).to_json()
    if not session.dry_run:
        write_private(output, json.dumps(document).encode(), clobber=False)
    lines = (f"leaf: {document['leaf']}", f"in the tree of {document['size']} entries", f"root: {document['root']}")
    session.result({"answer": str(output), **document}, str(output), *lines)


@command.command("compact")
@DATA
@session_command
def compact(session: Session, data: Path | None) -> None:
    """Write the tables anew from which contracts were erased, so that the database's files hold nothing of before.

    Each table is locked while it is written, which takes about as long as to copy it. What the write-ahead log
    holds of before goes as it is written on; backups keep what they have.
    """
    from countermark.platform.store.compacting import ERASED_FROM
    from countermark.platform.store.compacting import compact as write_anew

    names = [table.name for table in ERASED_FROM]
    if not session.dry_run:
        with platform_services(data) as services:
            write_anew(services.database)
    done = {"dry_run": True} if session.dry_run else {}
    session.result({"tables": names, **done}, *names)


def _rebuild(services: "PlatformServices", *, dry_run: bool) -> tuple["Rebuilt", list["Contract"], "BoardReport"]:
    from countermark.platform.board.checking import check_board
    from countermark.platform.contracts.restoring import Restoration
    from countermark.platform.projection import Projector

    market = services.site.market
    projector = Projector(services.database, chaincode=market.partition("/")[2])
    rebuilt = projector.rebuild(services.chain, height=services.chain.height, dry_run=dry_run)
    restoration = Restoration(
        database=services.database,
        ledger=services.chain,
        box=services.box,
        keys=services.keys.encryption,
        market=market,
    )
    contracts = list(restoration.run(dry_run=dry_run))
    with services.database.begin() as connection:
        platform = services.keys.account.address
        board = check_board(connection, services.board, market=market, platform=platform)
        if board.repairable and not dry_run:
            services.board.renew_tree(connection)
            board = check_board(connection, services.board, market=market, platform=platform)
    return rebuilt, contracts, board


@contextmanager
def told_to_operators() -> Iterator[None]:
    """Say of errors that only commands on the platform's machine meet what an operator can do about them."""
    from countermark.platform.ports import UnavailableError
    from countermark.platform.projection import ProjectionError

    try:
        yield
    except UnavailableError as error:
        detail = f"{error.detail}; the platform must be running"
        raise MarketError(ErrorCode.LEDGER_UNAVAILABLE, detail) from error
    except ProjectionError as error:
        raise ClientError(REFUSED_HERE, f"{error}; nothing was changed", here=True) from error


def _is_well(contract: "Contract", *, repaired: bool) -> bool:
    from countermark.platform.contracts.restoring import Difference

    return not (set(contract.differences) - ({Difference.RESTORED} if repaired else set()))


def _document(rebuilt: "Rebuilt", contracts: list["Contract"], board: "BoardReport") -> dict[str, Any]:
    return {
        "height": rebuilt.height,
        "before": rebuilt.before,
        "after": rebuilt.after,
        "same": rebuilt.same,
        "created": list(rebuilt.created),
        "contracts": {
            "compared": len(contracts),
            "different": [
                {"listing": one.address, "differences": [str(what) for what in one.differences]}
                for one in contracts
                if one.differences
            ],
        },
        "board": {
            "entries": board.entries,
            "anchors": board.anchors,
            "head_fits": board.head_fits,
            "faults": [
                {"fault": str(finding.fault), "first": finding.first, "last": finding.last}
                for finding in board.findings
            ],
        },
    }


def _lines(rebuilt: "Rebuilt", contracts: list["Contract"], board: "BoardReport") -> Iterator[str]:
    yield f"ledger-derived columns, blocks 0 to {rebuilt.height - 1}"
    yield f"  before {rebuilt.before}"
    yield f"  after  {rebuilt.after}  ({'the same' if rebuilt.same else 'they were different'})"
    for name in rebuilt.created:
        yield f"  the table {name} was missing"
    yield f"private columns of {len(contracts)} contracts compared with the collection"
    for contract in contracts:
        for what in contract.differences:
            yield f"  {contract.address}  {what}"
    yield f"board of {board.entries} entries compared with {board.anchors} anchors"
    if not board.head_fits:
        yield "  its head is not that of its entries"
    for finding in board.findings:
        yield f"  entries {finding.first} to {finding.last}  {finding.fault}"
