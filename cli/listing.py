"""`countermark listing`: put data on the market, browse, change, withdraw."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from countermark.cli.amounts import AMOUNT
from countermark.cli.paying import PAY, paying_of, told
from countermark.cli.replica import CONNECTION, own_ledger
from countermark.cli.session import Session, noun, session_command
from countermark.cli.terms import parse_terms, with_terms
from countermark.cli.texts import TEXT

command = noun("listing", "Put data on the market, browse, change, withdraw.")


@command.command("create")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@with_terms
@click.option("--title", default="", type=TEXT, help="What buyers read first.")
@click.option("--text", default="", type=TEXT, help="What else buyers should know.")
@click.option("--tag", "tags", multiple=True, type=TEXT, help="A word to filter by; may be given again.")
@click.option("--charge/--no-charge", default=True, help="Pay the management fee at once, if there is one.")
@session_command
def create(
    session: Session,
    path: Path,
    price: int,
    deadlines: tuple[str, ...],
    title: str,
    text: str,
    tags: tuple[str, ...],
    charge: bool,
) -> None:
    """Offer the ownership of PATH: a picture, table, text or any other file, or a folder or zip archive of files.

    The data stay here; their fingerprints go sealed to the platform. Of a collection, what was found of its files is
    kept, and a run that breaks off is gone on with.
    """
    from countermark.client import listings

    market = session.market()
    terms = parse_terms(price, deadlines)
    words = listings.Words(title, text, tags)
    progress, uploading = session.progress("fingerprints"), session.progress("sent")
    done = listings.create(market, session.vault, path, terms, words, progress, uploading)
    if market.dry_run:
        session.show_done(done)
        return
    address, state = str(done.result["id"]), str(done.result["state"])
    # Told before the fee, which the account may not be able to pay: the contract stands all the same.
    document = {"listing": address, "state": state, "txid": done.txid, **session.resumed(done)}
    session.first(document, address, f"transaction {done.txid}")
    if not (charge and state == "PENDING_FEE"):
        session.result({}, f"state {state}")
        return
    paid = listings.charge(market, address)
    state = str(paid.result["state"])
    session.result(
        {"state": state, "charge_txid": paid.txid}, f"management fee, transaction {paid.txid}", f"state {state}"
    )


@command.command("gather")
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--column", required=True, help="The column of TABLE that names files, by paths from TABLE's folder.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Zip archive to make.")
@session_command
def gather(session: Session, table: Path, column: str, out: Path) -> None:
    """Make one collection of TABLE, such as labels, and the files that it names: a zip archive, to be offered as one.

    TABLE is CSV with a header, JSON lines or Parquet. The same files make the same archive. Works offline.
    """
    from countermark.client import gathering

    if session.dry_run:
        names = gathering.names_in(table, column)
        session.result({"dry_run": True, "files": names}, f"would gather {len(names)} files into {out}")
        return
    names = gathering.gather(table, column, out)
    session.result({"archive": str(out), "files": names}, str(out), f"{len(names)} files, the table among them")


@command.command("list")
@click.option("--query", "q", default="", type=TEXT, help="Words that title or text must hold.")
@click.option("--state", default="LISTED", show_default=True, type=TEXT, help="A state, or any.")
@click.option("--owner", default="", type=TEXT, help="Address of the owner.")
@click.option("--max-price", type=AMOUNT, help="Highest price in minor units.")
@session_command
def list_(session: Session, q: str, state: str, owner: str, max_price: int | None) -> None:
    """Browse what is on the market; with an account, also what is yours and waits for its fee."""
    from countermark.client import searches

    filters: dict[str, str | int] = {
        name: value
        for name, value in {"q": q, "state": state, "owner": owner, "max_price": max_price}.items()
        if value
    }
    items = list(searches.browse(session.market(signed=session.can_sign), filters))
    session.result({"items": items}, *(_line(item) for item in items))


def _line(item: dict[str, Any]) -> str:
    description = item.get("description") or {}
    facts = f"{description.get('media_type', '?')}, {description.get('bytes', '?')} bytes"
    words = f"{description.get('title', '')} ({facts})"
    return f"{item['address']}  {item['offer']['price']:>10}  {item['state']:<8}  {words}"


@command.command("show")
@click.argument("listing")
@session_command
def show(session: Session, listing: str) -> None:
    """Show a listing whose description is checked against the ledger's commitment; where it was erased, the rest."""
    from countermark.client import searches

    resource = searches.show(session.market(signed=session.can_sign), listing)
    description = resource["description"] or {}
    session.result(
        resource,
        resource["address"],
        f"state {resource['state']}",
        *(["erased: its description and fingerprints are gone"] if resource.get("erased") else []),
        *(["held by the supervisor's order: nothing of it is deleted"] if resource.get("held") else []),
        f"price {resource['offer']['price']} (offer version {resource['offer']['version']})",
        f"owner {resource['owner']}",
        *(f"{name} {value}" for name, value in description.items()),
    )


@command.command("charge")
@click.argument("listing")
@session_command
def charge_(session: Session, listing: str) -> None:
    """Pay the management fee of LISTING, which puts it on the market."""
    from countermark.client import listings

    session.show_done(listings.charge(session.market(), listing))


@command.command("offer")
@click.argument("listing")
@with_terms
@session_command
def offer(session: Session, listing: str, price: int, deadlines: tuple[str, ...]) -> None:
    """Replace the offer of LISTING by a new version."""
    from countermark.client import listings

    session.show_done(listings.offer(session.market(), listing, parse_terms(price, deadlines)))


@command.command("relist")
@click.argument("listing")
@with_terms
@session_command
def relist(session: Session, listing: str, price: int, deadlines: tuple[str, ...]) -> None:
    """Put LISTING, which you own, on the market again."""
    from countermark.client import listings

    session.show_done(listings.relist(session.market(), listing, parse_terms(price, deadlines)))


@command.command("withdraw")
@click.argument("listing")
@session_command
def withdraw(session: Session, listing: str) -> None:
    """Take LISTING off the market."""
    from countermark.client import listings

    session.show_done(listings.withdraw(session.market(), listing))


@command.command("erase")
@click.argument("listing")
@session_command
def erase(session: Session, listing: str) -> None:
    """Have description and fingerprints of LISTING, which you own, erased for good.

    It must be off the market, not claimed, and not under a legal hold. Afterwards nobody can list it again. Nobody
    else can register the same bytes, and you can anew; but an edited copy is no longer known, whoever offers it. What
    others have read or kept of it cannot be taken back.
    """
    from countermark.client import listings

    done = listings.erase(session.market(), listing)
    known = "the same bytes stay registered, and copies that differ from them are no longer known"
    session.show_done(done, None, *([] if session.dry_run else [known]))


@command.command("hold")
@click.argument("listing")
@CONNECTION
@session_command
def hold(session: Session, listing: str, connection: Path) -> None:
    """Supervisor: order that nothing be deleted of LISTING and its trades. It stops no sale.

    The order goes to your own organisation's peer, and holds on the platform once that has read its block.
    """
    _order(session, "hold", listing, connection)


@command.command("release")
@click.argument("listing")
@CONNECTION
@session_command
def release(session: Session, listing: str, connection: Path) -> None:
    """Supervisor: take back the order to keep everything of LISTING."""
    _order(session, "release", listing, connection)


def _order(session: Session, name: str, listing: str, connection: Path) -> None:
    from countermark.client import orders

    key = session.keys.account
    if session.dry_run:
        session.result({"dry_run": True, "listing": listing}, f"would {name} {listing}")
        return
    with own_ledger(connection) as ledger:
        done = {"hold": orders.hold, "release": orders.release}[name](ledger, key, listing)
    session.show_done(done)


@command.command("trace")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True))
@PAY
@session_command
def trace(session: Session, path: Path, pay: bool) -> None:
    """Tell which contracts are bound to what FILE is a copy of, since when, and through which sales it went.

    Only its fingerprint leaves this machine, sealed to the platform. Identities are told to the supervisor alone.
    """
    from countermark.client import searches

    paying = paying_of(session, pay=pay)
    found = searches.trace(session.market(), session.keys, path, session.progress("fingerprints"), paying=paying)
    session.result(
        {"contracts": found, **told(session, paying)}, *(line for contract in found for line in _traced(contract))
    )
    if not found and not session.as_json:
        session.say("nothing that was ever registered resembles this file")


def _traced(contract: dict[str, Any]) -> Iterator[str]:
    words = {"identical": "the same", "copy": "a copy", "resembles": "perhaps a copy"}[contract["match"]]
    owner = f", owner {contract['owner']}" if "owner" in contract else ""
    yield f"{contract['listing']}  {words}, registered {contract['since']}, {contract['state']}{owner}"
    for sale in contract["sales"]:
        parties = f" by {sale['seller']} to {sale['buyer']}, trade {sale['trade']}" if "seller" in sale else ""
        yield f"    sold {sale['at']}{parties}"
