"""`countermark trade dispute`, `open`, `decide`, `reasons`: what happens when a party says that it was cheated."""

from pathlib import Path

import click

from countermark.cli.replica import CONNECTION, own_ledger
from countermark.cli.session import Session, session_command
from countermark.cli.texts import TEXT

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("dispute")
@click.argument("trade")
@click.option(
    "--reason", type=click.Choice(["undecryptable", "unavailable", "mismatch"]), default="mismatch", show_default=True
)
@session_command
def dispute(session: Session, trade: str, reason: str) -> None:
    """Buyer: dispute what came, or that nothing came."""
    from countermark.client import purchases

    session.show_done(purchases.dispute(session.market(), trade, reason))


@click.command("open")
@click.argument("trade")
@click.option(
    "--copy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only write the opening for whoever decides now into this file, to be handed to him past the platform.",
)
@session_command
def open_(session: Session, trade: str, copy: Path | None) -> None:
    """Buyer: open the trade's one-time key to the arbiter and his substitute, as evidence in a dispute."""
    from countermark.client import disputes, trades
    from countermark.client.disputes import opening
    from countermark.client.files import write_private

    market = session.market()
    resource = trades.show(market, trade)
    if copy is None:
        session.show_done(disputes.open_key(market, session.vault, resource))
        return
    write_private(copy, opening.handed_over(session.vault, resource), clobber=False)
    session.result({"trade": trade, "path": str(copy)}, str(copy))


@click.command("decide")
@click.argument("trade")
@CONNECTION
@click.option("--opening", type=_FILE, help="The opening, as the buyer has handed it over.")
@click.option("--package", type=_FILE, help="The package, as a party has handed it over.")
@click.option(
    "--absent",
    type=click.Choice(["opening", "package"]),
    multiple=True,
    help="Nobody has it: you have asked the platform and the parties.",
)
@click.option(
    "--hand-over",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to keep the package, for the buyer who could not fetch it; he alone can open it.",
)
@click.option("--remark", default="", type=TEXT, help="For the parties; nothing of what the data are.")
@session_command
def decide(
    session: Session,
    trade: str,
    connection: Path,
    opening: Path | None,
    package: Path | None,
    absent: tuple[str, ...],
    hand_over: Path | None,
    remark: str,
) -> None:
    """Arbiter: look at the evidence, and decide the dispute by what it shows.

    The trade is read from your own organisation's replica, and the decision goes there. The data are decrypted in a
    process without network, under no name, and end with it. With --dry-run nothing is decided.
    """
    from countermark.client.disputes import deciding
    from countermark.client.disputes.evidence import Sources
    from countermark.client.errors import REFUSED_HERE, ClientError
    from countermark.protocol import ids

    market, folder = session.market(), session.home.path / "evidence"
    with own_ledger(connection) as ledger, deciding.alone(session.vault, ids.parse_trade(trade)):
        if ledger.market != market.name:
            raise ClientError(REFUSED_HERE, f"{connection} leads to {ledger.market}, the gateway to {market.name}")
        deciding.forget_ended(folder, ledger)
        record = ledger.trade(trade)
        if record["decision"] is None:
            sources = Sources(opening, package, frozenset(absent))
            finding = deciding.examine(market, session.keys, record, folder, sources, session.progress("download"))
            deciding.give(folder, record, sources, finding, hand_over)
            found = {"trade": trade, "finding": finding, "decision": finding.decision}
            if market.dry_run:
                session.result({**found, "dry_run": True}, f"finding {finding}", f"would decide {finding.decision}")
                return
            done = deciding.decide(market, session.vault, ledger, record, finding, remark)
            document = {**found, "txid": done.txid, "state": str(done.result["state"])}
            session.first(document, done.txid, f"finding {finding}", f"decision {finding.decision}")
            record = ledger.trade(trade)
        elif market.dry_run:
            session.result({"trade": trade, "dry_run": True}, f"decided before: {record['decision']['decision']}")
            return
        deciding.forget(folder, trade)
        # Again, if it broke off here: the decision stands all the same.
        reasons = deciding.hand_in(market, session.vault, record)
    session.result({"reasons": reasons.digest}, f"state {record['state']} ({record['outcome']})")


@click.command("reasons")
@click.argument("trade")
@session_command
def reasons_(session: Session, trade: str) -> None:
    """Tell why a dispute was decided as it was; checked against the digest on the ledger."""
    from countermark.client import trades
    from countermark.client.disputes import deciding

    market = session.market()
    resource = trades.show(market, trade)
    reasons = deciding.reasons_of(market, resource)
    decision = resource["decision"]
    session.result(
        {"trade": trade, "decision": decision, "finding": reasons.finding, "remark": reasons.remark},
        f"finding {reasons.finding}",
        f"decision {decision['decision']} of {decision['at']} by {decision['by']}",
        *([reasons.remark] if reasons.remark else []),
    )


COMMANDS = (dispute, open_, decide, reasons_)
