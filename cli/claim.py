"""`countermark claim`: say that a contract is of your data, answer who says so, decide between the two."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.replica import CONNECTION, own_ledger
from countermark.cli.session import Session, noun, session_command
from countermark.cli.texts import TEXT

if TYPE_CHECKING:
    from countermark.cli.replica import OwnLedger
    from countermark.client.market import Market
    from countermark.protocol.claim_papers import Evidence

command = noun("claim", "Who says that a contract is of his data, and what becomes of it.")

_STATEMENT = click.option(
    "--statement", required=True, type=TEXT, help="Why it is yours: for the supervisor alone, sealed to him."
)
_FILES = click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Evidence, sealed to the supervisor: an original, a contract. Again for more, 8 MiB in all.",
)


@command.command("open")
@click.argument("listing")
@_STATEMENT
@_FILES
@session_command
def open_(session: Session, listing: str, statement: str, files: Sequence[Path]) -> None:
    """Say that LISTING is of your data; the market's deposit is paid, and lost if the supervisor finds otherwise.

    Nobody can pay for it until the claim has ended. `listing trace FILE` tells under which contract a copy stands.
    """
    from countermark.client.claims import sides

    market = session.market()
    done = sides.open_claim(market, sides.evidence_of(market, listing, statement, files))
    if market.dry_run:
        session.show_done(done)
        return
    claim, state = str(done.result["id"]), str(done.result["state"])
    document = {"claim": claim, "txid": done.txid, "state": state, **session.resumed(done)}
    session.result(document, claim, f"transaction {done.txid}", f"state {state}")


@command.command("answer")
@click.argument("claim")
@_STATEMENT
@_FILES
@session_command
def answer(session: Session, claim: str, statement: str, files: Sequence[Path]) -> None:
    """Owner: answer for your contract; who does not answer in time loses it."""
    from countermark.client.claims import sides, view

    market = session.market()
    resource = view.show(market, claim)
    session.show_done(
        sides.answer(market, resource, sides.evidence_of(market, resource["listing"], statement, files))
    )


@command.command("show")
@click.argument("claim")
@session_command
def show(session: Session, claim: str) -> None:
    """Show a claim in which you have a part: its state, who must act next and until when."""
    from countermark.client.claims import view

    resource = view.show(session.market(), claim)
    acts = resource.get("next", {}).get("actors", {})
    session.result(
        resource,
        resource["id"],
        f"state {resource['state']}" + (f" (for the {resource['outcome']})" if resource["outcome"] else ""),
        f"listing {resource['listing']}",
        f"deposit {resource['deposit']}",
        *([f"deadline {resource['deadline']}"] if resource["deadline"] else []),
        *(f"next: {', '.join(roles)} may call {function}" for function, roles in acts.items()),
    )


@command.command("list")
@click.option("--open", "open_only", is_flag=True, help="Only claims that have not ended.")
@session_command
def list_(session: Session, open_only: bool) -> None:
    """List the claims in which you have a part: your own, those of your contracts, those that you decide."""
    from countermark.client.claims import view

    market = session.market()
    items = list(view.mine(market, open_only=open_only))
    session.result(
        {"items": items},
        *(f"{item['id']}  {item['state']:<8}  {item['listing']}  {_part(item, market.address)}" for item in items),
    )


def _part(claim: dict[str, Any], account: str) -> str:
    if claim["claimant"] == account:
        return "claiming"
    return "deciding" if claim.get("decider", {}).get("account") == account else "owning"


@command.command("evidence")
@click.argument("claim")
@CONNECTION
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the files of either side into a folder of its own under this one.",
)
@session_command
def evidence(session: Session, claim: str, connection: Path, out: Path | None) -> None:
    """Supervisor: read what either side shows, compared with the digests in your own replica."""
    from countermark.client.claims import judge

    market = session.market()
    with own_ledger(connection) as ledger:
        record = _record(ledger, market, claim)
    shown = judge.evidence(market, session.keys, record)
    sides: dict[str, Any] = {}
    lines: list[str] = []
    for side, one in shown.items():
        sides[side] = _told(one, out / side if out is not None and not session.dry_run else None)
        lines += [f"{side}: {sides[side]['statement']}", *(f"  {file['name']}" for file in sides[side]["files"])]
    session.result({"claim": claim, **sides}, claim, *lines)


def _told(shown: "Evidence | str", folder: Path | None) -> dict[str, Any]:
    from countermark.client.claims import judge

    if isinstance(shown, str):
        return {"statement": shown, "files": []}
    paths = judge.write(shown, folder) if folder is not None else [Path(name) for name, _ in shown.files]
    files = [{"name": str(path), "size": len(data)} for path, (_, data) in zip(paths, shown.files, strict=True)]
    return {"statement": shown.statement, "files": files}


@command.command("decide")
@click.argument("claim")
@CONNECTION
@click.option(
    "--for", "winner", type=click.Choice(["claimant", "owner"]), required=True, help="Whose the contract is."
)
@click.option("--remark", default="", type=TEXT, help="For both sides; nothing of what the data are.")
@session_command
def decide(session: Session, claim: str, connection: Path, winner: str, remark: str) -> None:
    """Supervisor: find whose the contract is; the loser's deposit pays the fee, the rest is the winner's."""
    from countermark.client.claims import judge
    from countermark.protocol.claims import Claimed

    market = session.market()
    with own_ledger(connection) as ledger:
        record = _record(ledger, market, claim)
        if market.dry_run:
            word = record["decision"]["decision"] if record["decision"] else winner
            session.result({"claim": claim, "decision": word, "dry_run": True}, f"would decide for the {word}")
            return
        if record["decision"] is None:
            done = judge.decide(market, session.vault, ledger, record, Claimed(winner), remark)
            document = {"claim": claim, "txid": done.txid, "decision": winner, "state": str(done.result["state"])}
            session.first(document, done.txid)
            record = ledger.claim(claim)
    # Again, if it broke off here: the decision stands all the same.
    reasons = judge.hand_in(market, session.vault, record)
    session.result({"reasons": reasons.digest}, f"state {record['state']} (for the {record['outcome']})")


@command.command("reasons")
@click.argument("claim")
@session_command
def reasons_(session: Session, claim: str) -> None:
    """Tell why a claim was decided as it was; checked against the digest on the ledger."""
    from countermark.client.claims import view

    market = session.market()
    resource = view.show(market, claim)
    reasons = view.reasons_of(market, resource)
    decision = resource["decision"]
    session.result(
        {"claim": claim, "decision": decision, "remark": reasons.remark},
        f"for the {decision['decision']}, at {decision['at']} by {decision['by']}",
        *([reasons.remark] if reasons.remark else []),
    )


def _record(ledger: "OwnLedger", market: "Market", claim: str) -> dict[str, Any]:
    from countermark.client.errors import REFUSED_HERE, ClientError

    if ledger.market != market.name:
        raise ClientError(REFUSED_HERE, f"the connection leads to {ledger.market}, the gateway to {market.name}")
    return ledger.claim(claim)
