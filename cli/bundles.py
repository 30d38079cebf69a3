"""`countermark audit export`, `verify` and `roots`: bundles that can be judged far from any peer."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.listed import lines
from countermark.cli.replica import CONNECTION
from countermark.cli.session import Session, session_command
from countermark.cli.trust import (
    GENESIS,
    GIVEN_GENESIS,
    ROOTS,
    UNTRUSTED,
    found,
    genesis_block,
    genesis_hash,
    market_roles,
)

if TYPE_CHECKING:
    from countermark.audit.bundles import Subject, Verdict

_NEW_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("export")
@click.option("--trade", metavar="ID", help="What of the ledger: a trade, up to its end if it has ended;")
@click.option("--listing", metavar="ID", help="a contract;")
@click.option("--account", metavar="ADDRESS", help="an account;")
@click.option("--blocks", metavar="A-B", help="or the blocks number A to B.")
@click.option(
    "-o", "--output", type=_NEW_FILE, required=True, help="The bundle; a file that is there is not replaced."
)
@CONNECTION
@GENESIS
@session_command
def export(
    session: Session,
    trade: str | None,
    listing: str | None,
    account: str | None,
    blocks: str | None,
    output: Path,
    connection: Path,
    genesis: Path | None,
) -> None:
    """Write a bundle by which others can judge what you judge, offline; verified while it is written."""
    from contextlib import closing

    from countermark.audit.bundles import Manifest
    from countermark.audit.bundles import export as write
    from countermark.audit.errors import AuditError
    from countermark.client.files import replacing
    from countermark.network.client import ConnectionProfile, GatewayClient, LedgerError

    subject = _subject({"trade": trade, "listing": listing, "account": account}, blocks)
    if output.exists():
        raise click.UsageError(f"{output} is there already")
    known = genesis_hash(genesis or found(connection))
    try:
        with (
            closing(GatewayClient(ConnectionProfile.load(connection))) as client,
            replacing(output, clobber=False) as out,
        ):
            profile, named = client.profile, market_roles(client.evaluate("market.show"))
            manifest = Manifest(profile.channel, profile.chaincode, named["platform"], named["supervisor"], subject)
            newest = client.newest_block().number
            if subject.last > newest:
                raise AuditError("unknown_block", f"the ledger ends with block {newest}")
            with closing(client.blocks(0, stop=subject.last if subject.kind == "blocks" else newest)) as stream:
                verdict, digest = write(stream, out, manifest, genesis=known)
    except LedgerError as error:
        raise AuditError(str(error.code), error.detail) from error
    document = {"bundle": str(output), "digest": f"sha256:{digest.hex()}", **_verified(verdict)}
    session.result(document, str(output), f"digest: sha256:{digest.hex()}", _checked(verdict))


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@ROOTS
@GIVEN_GENESIS
@click.option("--market", metavar="CHANNEL/CHAINCODE", default="", help="The market of which the bundle must be.")
@session_command
def verify(session: Session, bundle: Path, roots: Path | None, genesis: Path | None, market: str) -> None:
    """Judge a bundle by what it holds, offline; you need the consortium's roots, or the channel's first block.

    Prints what the bundle proves of its subject, and `good`; or the first thing that does not hold, and where.
    """
    from countermark.audit.bundles import verify as judge
    from countermark.audit.roots import read_roots

    if roots is None and genesis is None:
        raise click.UsageError(UNTRUSTED)
    known = b"" if genesis is None else genesis_hash(genesis)
    with bundle.open("rb") as source:
        trusted = None if roots is None else read_roots(roots)
        verdict, digest = judge(source, genesis=known, roots=trusted, market=market)
    manifest = verdict.manifest
    document = {
        **verdict.told,
        "subject": manifest.subject.to_json(),
        "market": manifest.market,
        "platform": manifest.platform,
        "supervisor": manifest.supervisor,
        "money": _money(verdict),
        "deadlines": verdict.deadlines,
        "board": verdict.board,
        "digest": f"sha256:{digest.hex()}",
    }
    shown = {name: value for name, value in document.items() if value is not None}
    checked = {"verdict": "good", "trusting": "genesis" if known else "roots", **_verified(verdict)}
    session.result({**document, **checked}, *lines(shown), _checked(verdict), "good")


@click.command("roots")
@click.option("--genesis", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True)
@session_command
def roots(session: Session, genesis: Path, output: Path) -> None:
    """Write the root certificates in a genesis block that you trust as a folder for `audit verify --roots`.

    Certificates of organisations that join later are put beside them by hand.
    """
    from countermark.audit.roots import write_roots

    written = [str(path) for path in write_roots(genesis_block(genesis), output)]
    session.result({"written": written}, *written)


def _subject(named: dict[str, str | None], blocks: str | None) -> "Subject":
    from countermark.audit.bundles import Subject

    given = {kind: name for kind, name in named.items() if name}
    if len(given) + bool(blocks) != 1:
        raise click.UsageError("what of the ledger? one of --trade, --listing, --account and --blocks")
    if blocks:
        first, dash, last = blocks.partition("-")
        if not dash or not (first + last).isascii() or not first.isdigit() or not last.isdigit():
            raise click.UsageError("--blocks wants two numbers, as in 0-99")
        if int(first) > int(last):
            raise click.UsageError("--blocks end before they begin")
        return Subject("blocks", first=int(first), last=int(last))
    ((kind, name),) = given.items()
    return Subject(kind, name)


def _money(verdict: "Verdict") -> dict[str, str]:
    money = verdict.money
    return {name: str(getattr(money, name)) for name in ("minted", "burnt", "in_accounts", "in_escrow")}


def _verified(verdict: "Verdict") -> dict[str, Any]:
    return {
        "verified": {
            "genesis": verdict.genesis.hex(),
            "head": verdict.head.hex(),
            "blocks": verdict.blocks,
            "transactions": verdict.transactions,
            "invalid": verdict.invalid,
        }
    }


def _checked(verdict: "Verdict") -> str:
    return (
        f"verified: {verdict.blocks} blocks with {verdict.transactions} transactions, {verdict.invalid} of them "
        f"invalid, from genesis block {verdict.genesis.hex()} to {verdict.head.hex()}"
    )
