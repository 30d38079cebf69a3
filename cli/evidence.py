"""`countermark audit board`: judge what parties show of the board, by a ledger and without the platform."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.failures import ERROR
from countermark.cli.listed import lines
from countermark.cli.session import Session, session_command
from countermark.cli.trust import GENESIS, ROOTS, UNTRUSTED, found, genesis_hash, market_roles

if TYPE_CHECKING:
    from countermark.audit.board import BoardLedger, Judgement, Sought, Twice
    from countermark.audit.bundles import Verdict
    from countermark.protocol.board_proofs import BoardProof, Inclusion

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("board")
@click.argument("proofs", nargs=-1, required=True, type=_FILE)
@click.option("--bundle", type=_FILE, help="The ledger: a bundle, for judging offline (`audit export`).")
@click.option(
    "--connection",
    type=_FILE,
    envvar="COUNTERMARK_CONNECTION",
    help="The ledger, where no bundle is given: connection file of your own organisation's peer.",
)
@ROOTS
@GENESIS
@click.option(
    "--answer",
    "answers",
    type=_FILE,
    multiple=True,
    help="What the platform has answered: the path of an entry, as GET /v1/board/{seq}/proof gives it.",
)
@session_command
def board(
    session: Session,
    proofs: tuple[Path, ...],
    bundle: Path | None,
    connection: Path | None,
    roots: Path | None,
    genesis: Path | None,
    answers: tuple[Path, ...],
) -> int:
    """Judge PROOFS of the send-receive board (`trade prove`) by a ledger, without the platform.

    Says what was sent or received, by whom, in which trade and when, and in which transaction it was anchored; or
    that the platform is at fault, and by what: late, unanchored, rewritten, or two entries under one number. The
    status is 1 where nothing is decided.
    """
    from countermark.audit.board import find_twice, judge, sought

    documents = [_proof(path) for path in proofs]
    given = [_answer(path) for path in answers]
    wanted = sought(documents, given)
    if bundle is not None:
        ledger, verdict = _bundled(bundle, wanted, roots, genesis)
    elif connection is not None:
        ledger, verdict = _own(connection, wanted, genesis)
    else:
        raise click.UsageError("by which ledger? --bundle FILE, or --connection FILE of your own peer")
    judged = [judge(document, ledger, given) for document in documents]
    twice = find_twice(judged)
    session.result(_document(proofs, judged, twice, verdict), *_lines(proofs, judged, twice, verdict))
    return 0 if twice or all(one.verdict != "open" for one in judged) else ERROR


def _proof(path: Path) -> "BoardProof":
    from countermark.audit.errors import AuditError
    from countermark.protocol.board_proofs import LONGEST, BoardProof
    from countermark.protocol.errors import MarketError

    try:
        with path.open("rb") as file:
            return BoardProof.from_bytes(file.read(LONGEST + 1))
    except MarketError as error:
        raise AuditError("malformed_proof", f"{path}: {error.detail}") from error


def _answer(path: Path) -> "Inclusion":
    from countermark.audit.errors import AuditError
    from countermark.protocol import canonical
    from countermark.protocol.board_proofs import LONGEST, Inclusion
    from countermark.protocol.errors import MarketError

    try:
        with path.open("rb") as file:
            return Inclusion.from_json(canonical.loads(file.read(LONGEST + 1), canonical=False))
    except MarketError as error:
        raise AuditError("malformed_proof", f"{path}: {error.detail}") from error


def _bundled(
    bundle: Path, wanted: "Sought", roots: Path | None, genesis: Path | None
) -> tuple["BoardLedger", "Verdict"]:
    from countermark.audit.board import read_bundle
    from countermark.audit.roots import read_roots

    if roots is None and genesis is None:
        raise click.UsageError(UNTRUSTED)
    with bundle.open("rb") as source:
        return read_bundle(
            source,
            wanted,
            genesis=b"" if genesis is None else genesis_hash(genesis),
            roots=None if roots is None else read_roots(roots),
        )


def _own(connection: Path, wanted: "Sought", genesis: Path | None) -> tuple["BoardLedger", "Verdict"]:
    from contextlib import closing

    from countermark.audit.board import read_blocks
    from countermark.audit.bundles import Manifest, Subject
    from countermark.audit.errors import AuditError
    from countermark.network.client import ConnectionProfile, GatewayClient, LedgerError

    known = genesis_hash(genesis or found(connection))
    try:
        with closing(GatewayClient(ConnectionProfile.load(connection))) as client:
            profile, named = client.profile, market_roles(client.evaluate("market.show"))
            newest = client.newest_block().number
            subject = Subject("blocks", first=newest, last=newest)
            manifest = Manifest(profile.channel, profile.chaincode, named["platform"], named["supervisor"], subject)
            with closing(client.blocks(0, stop=newest)) as blocks:
                return read_blocks(blocks, manifest, wanted, genesis=known)
    except LedgerError as error:
        raise AuditError(str(error.code), error.detail) from error


def _document(
    paths: Sequence[Path], judged: Sequence["Judgement"], twice: Sequence["Twice"], verdict: "Verdict"
) -> dict[str, Any]:
    return {
        "proofs": [
            {
                "proof": str(path),
                "verdict": str(one.verdict),
                "reason": str(one.reason),
                "included": one.included,
                "detail": one.detail,
                **one.told,
            }
            for path, one in zip(paths, judged, strict=True)
        ],
        "twice": [{"seq": one.seq, "leaves": list(one.leaves)} for one in twice],
        "ledger": {
            "market": verdict.manifest.market,
            "genesis": verdict.genesis.hex(),
            "head": verdict.head.hex(),
            "blocks": verdict.blocks,
            "as_of": verdict.deadlines["as_of"],
        },
    }


def _lines(
    paths: Sequence[Path], judged: Sequence["Judgement"], twice: Sequence["Twice"], verdict: "Verdict"
) -> Iterator[str]:
    for path, one in zip(paths, judged, strict=True):
        yield str(path)
        yield from (f"  {line}" for line in lines({name: value for name, value in one.told.items() if value}))
        yield f"  {one.detail}"
        yield f"  {_SAID[str(one.verdict)]}: {one.reason}"
    for double in twice:
        yield f"platform at fault: two entries under the number {double.seq}, {' and '.join(double.leaves)}"
    yield (
        f"by {verdict.blocks} blocks from genesis block {verdict.genesis.hex()} to {verdict.head.hex()}, "
        f"which go on to {verdict.deadlines['as_of']}"
    )


_SAID = {"proven": "proven", "at_fault": "platform at fault", "open": "not decided"}
