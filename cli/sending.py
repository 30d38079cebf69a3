"""How a seller hands over a package: committed to first, told, then uploaded from where it stopped."""

from pathlib import Path
from typing import TYPE_CHECKING

from countermark.cli.session import Session

if TYPE_CHECKING:
    from countermark.client.deliveries import Delivery


def hand_over(session: Session, trade: str, path: Path | None, delivery: "Delivery") -> None:
    """Encrypt the data of ``trade``, commit to them by the action of ``delivery``, and upload them.

    Raises:
        ClientError: the data are not those that were registered, a rule refuses, or the upload broke off.
    """
    from countermark.client import deliveries, trades

    market, packages = session.market(), session.home.path / "packages"
    deliveries.sweep(market, packages)
    resource = trades.show(market, trade)
    done = deliveries.commit_package(market, session.keys, session.vault, resource, packages, path, delivery=delivery)
    if market.dry_run and done is not None:
        session.show_done(done)
        return
    # Told before the upload, which may break off: the transaction stands all the same.
    if done is None:
        session.first({"trade": trade, "state": str(delivery.uploads), "resumed": True}, trade)
    else:
        state = str(done.result.get("state"))
        document = {"txid": done.txid, **done.result, "trade": trade, **session.resumed(done)}
        session.first(document, done.txid, f"state {state}")
    if not deliveries.may_upload(market, done):
        session.result({})
        session.say("send again, to upload, once the transaction has committed")
        return
    deliveries.upload_package(market, resource, packages, session.progress("upload"), delivery=delivery)
    session.result({}, *(["the upload was completed"] if done is None else []))
