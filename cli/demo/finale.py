"""The end of the demo: what the supervisor proves from his own replica, and what the platform never had."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from countermark.audit import accounts
from countermark.audit.money import count_money
from countermark.cli.audit import replica
from countermark.cli.demo.narrator import Narrator
from countermark.cli.demo.sale import Sale
from countermark.gateway import database

_PROBE_BYTES = 64
"""Length of a piece of the data that the platform's files are searched for."""


def audit(tell: Narrator, platform: Path, sales: Sequence[Sale], plaintext: bytes) -> dict[str, Any]:
    """Print the supervisor's account of ``sales`` and the sum of all money, and return it as a document.

    ``plaintext`` is what was sold, of which nothing may lie where the platform stores things.

    Raises:
        AuditError: the ledger does not hold.
        click.ClickException: plaintext was found where the platform stores things.
    """
    tell.title("The supervisor's account, from his own replica of the ledger")
    replay = replica(platform / "connection" / "supervisor.json")
    tell.say(
        f"verified {replay.height} blocks with {replay.transactions} transactions, {replay.invalid} of them invalid"
    )
    trades = [accounts.trade(replay, one.trade) for one in sales]
    for told in trades:
        tell.say(f"trade {told['id']}: {told['state']} ({told['outcome']}), price {told['price']}, fee {told['fee']}")
        tell.say(f"  {told['seller']} sold to {told['buyer']}")
        for step in told["steps"]:
            by = "+".join(name.removesuffix("MSP").lower() for name in step["endorsed_by"])
            tell.say(
                f"  {step['time']} {step['function']:<13} {step['state']:<9} {step['tx'][:16]}… endorsed by {by}"
            )
    listing = sales[0].listing
    owners = accounts.listing(replay, listing)["owners"]
    tell.say(f"owners of {listing[:16]}…: " + " -> ".join(owner[-8:] for owner in owners))
    money = count_money(replay)
    tell.say(
        f"all money: {money.minted} minted - {money.burnt} burnt = "
        f"{money.in_accounts} in accounts + {money.in_escrow} in escrow"
    )
    searched = _search(platform, plaintext)
    tell.say(f"{searched} files of ledger, database, object store and logs hold no piece of what was sold")
    return {
        "listing": listing,
        "trades": trades,
        "owners": owners,
        "blocks": replay.height,
        "money": {name: str(getattr(money, name)) for name in ("minted", "burnt", "in_accounts", "in_escrow")},
    }


def _search(platform: Path, data: bytes) -> int:
    """Return how many files were searched for pieces of ``data``, none of which may be found."""
    starts = range(1024, len(data) - _PROBE_BYTES, max(1, len(data) // 16))
    pieces = [data[start : start + _PROBE_BYTES] for start in starts]
    # A run of one value stands in any file; a piece that tells has many.
    telling = [piece for piece in pieces if len(set(piece)) > _PROBE_BYTES // 4]
    if not telling:
        raise click.ClickException("the data have no piece that could be recognised")
    searched = 0
    for folder in (platform, *database.folders(platform / "postgres")):
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            content = path.read_bytes()
            searched += 1
            if any(piece in content for piece in telling):
                raise click.ClickException(f"{path} holds a piece of the data")
    return searched
