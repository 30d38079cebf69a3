"""What commands that ask by sample share: whether to pay for what is no longer free."""

from typing import TYPE_CHECKING

import click

from countermark.cli.session import Session

if TYPE_CHECKING:
    from countermark.client.paying import Paying

PAY = click.option("--pay", is_flag=True, help="Pay the platform's price for it when the free quota is used up.")


def paying_of(session: Session, *, pay: bool) -> "Paying | None":
    """Return what pays for an inquiry, None where nothing is to be paid."""
    if not pay:
        return None
    from countermark.client.paying import Paying

    return Paying(session.market(), session.vault)


def told(session: Session, paying: "Paying | None") -> dict[str, str]:
    """Return what is told of a payment, to people and in the document; nothing where none was needed."""
    if paying is None or not paying.txid:
        return {}
    if not session.as_json:
        session.say(f"paid {paying.amount} by transaction {paying.txid}")
    return {"paid": str(paying.amount), "payment": paying.txid}
