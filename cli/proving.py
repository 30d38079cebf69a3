"""`countermark trade prove`: the document by which a party shows later that its notice came in, and when."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.failures import ERROR
from countermark.cli.session import Session, session_command

if TYPE_CHECKING:
    from countermark.client.market import Market
    from countermark.client.proofs import Held

_WAIT_S = 30.0
_POLL_S = 1.0

_TOLD = {
    "waiting": "its anchor is not on the ledger yet, and promised until {by}",
    "overdue": "its anchor was promised until {by}: with a ledger that goes on long enough, `audit board` shows that "
    "the platform has broken its promise",
    "rewritten": "the board shows another entry under its number: with a ledger, `audit board` shows who has "
    "rewritten it",
}


@click.command("prove")
@click.argument("trade")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The document; a file that is there is not replaced.",
)
@click.option("--remedy", is_flag=True, help="Of the notice that went with your remedy.")
@click.option(
    "--without-notice",
    is_flag=True,
    help="Leave the notice out: it then shows that the platform took something of yours in the trade, not what.",
)
@session_command
def prove(session: Session, trade: str, output: Path, remedy: bool, without_notice: bool) -> int:
    """Write what shows that your notice on TRADE came in and was anchored: `audit board` judges it with a ledger.

    What is kept in the home needs no gateway. If the entry is not anchored yet, half a minute is waited for it; then
    the document is written without its proof, and the status is 1.
    """
    from countermark.client import proofs
    from countermark.client.files import write_private

    if output.exists():
        raise click.UsageError(f"{output} is there already")
    name = proofs.find(session.vault, trade, remedy=remedy)
    held, now_ms = _obtain(session, name)
    proof = held.proof.without_notice() if without_notice else held.proof
    if not session.dry_run:
        write_private(output, proof.to_bytes(), clobber=False)
    document, state = _document(held, now_ms), str(held.state(now_ms))
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in document.items()]
    session.result({"proof": str(output), "trade": trade, **document}, str(output), *lines)
    if state in _TOLD:
        session.say(_TOLD[state].format(by=document["anchored_by"]))
    return ERROR if state in _TOLD else 0


def keep_proof(session: Session, market: "Market", trade: str) -> None:
    """Keep the proofs of this account's notices on ``trade`` that can be had by now; say what is wrong with them.

    They are asked for on the way, so that they are there when nobody can be asked any more.
    """
    from countermark.client import proofs
    from countermark.client.errors import ClientError

    for name in proofs.waiting(session.vault, trade):
        try:
            held = proofs.obtain(market, session.vault, name)
        except ClientError as error:
            session.say(f"the proof of your notice: {error}")
            continue
        state = str(held.state(market.now()))
        if state in ("overdue", "rewritten"):
            session.say(f"your notice on {trade}: " + _TOLD[state].format(by=_document(held, 0)["anchored_by"]))


def _obtain(session: Session, name: str) -> tuple["Held", int]:
    """Return what there is of the proof ``name``, and when: as it is kept, else as the gateway has it."""
    from countermark.client import proofs
    from countermark.client.errors import ClientError
    from countermark.client.market import now_ms

    vault = session.vault
    if name not in proofs.waiting(vault):
        return proofs.recall(vault, name), now_ms()
    try:
        market = session.market()
        held = proofs.obtain(market, vault, name)
        deadline = time.monotonic() + (_WAIT_S if session.options.get("wait", True) else 0)
        while held.state(market.now()) is proofs.State.WAITING and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            held = proofs.obtain(market, vault, name)
    except ClientError as error:
        # The receipt is evidence by itself, all the more where the platform gives none.
        session.say(f"no proof from the gateway: {error}")
        return proofs.recall(vault, name), now_ms()
    return held, market.now()


def _document(held: "Held", now_ms: int) -> dict[str, Any]:
    from countermark.protocol import times

    receipt, inclusion = held.shown.receipt, held.proof.inclusion
    return {
        "state": str(held.state(now_ms)),
        "kind": receipt.kind,
        "seq": held.shown.seq,
        "received_at": times.to_text(receipt.received_at_ms),
        "anchored_by": times.to_text(receipt.anchored_by_ms),
        "size": None if inclusion is None else inclusion.tree.size,
    }
