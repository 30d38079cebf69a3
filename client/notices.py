"""A party's notice for the send-receive board (steps 16 and 20, a remedy), and the receipt that it gets for it."""

from collections.abc import Callable
from typing import Any

from countermark.client import proofs
from countermark.client.errors import GATEWAY_ANSWER, ClientError
from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.client.unanswered import Posting, slot
from countermark.client.vault import Vault
from countermark.protocol import notices, receipts
from countermark.protocol.encoding import as_digest
from countermark.protocol.errors import ErrorCode, MarketError


def submit(
    market: Market,
    keys: Keys,
    vault: Vault,
    trade: dict[str, Any],
    *,
    root: bytes,
    verdict: notices.Verdict | None,
    resource: str,
    action: str,
    params: dict[str, Any],
) -> Done:
    """Sign the account's notice on ``trade``, post it sealed with the intent that commits to it, store the receipt.

    ``root`` is the fingerprint root of what was sent or received; ``verdict`` None makes it the seller's notice;
    ``action`` and ``params`` are those of the intent, which gets the notice's digest.

    Raises:
        ClientError: a rule of the market refuses; or the outcome stays unknown, or the receipt is not the platform's.
    """
    role: notices.Role = "seller" if verdict is None else "buyer"
    platform = market.config.platform.account

    def make() -> Posting:
        notice = notices.Notice(
            role=role,
            trade=trade["id"],
            seller=trade["seller"],
            buyer=trade["buyer"],
            listing=trade["listing"],
            platform=platform,
            fingerprint_root=as_digest(root),
            claimed_at_ms=market.now(),
            verdict=verdict,
        )
        token, digest = notices.sign_notice(keys.account, notice, market=market.name)
        if not market.dry_run:
            proofs.keep_notice(vault, proofs.name_of(trade["id"], action), token)
        body = {
            "intent": market.sign(action, {**params, "notice": digest}),
            "sealed": market.seal(token.encode(), kind="notice"),
        }
        return market.posting(f"/v1/trades/{trade['id']}/{resource}", body, entity=trade["id"])

    return market.perform(act(action, trade["id"]), make, take=_receipt(market, vault, trade["id"], action))


def finish(market: Market, vault: Vault, trade: str, *, action: str) -> None:
    """Send the notice on ``trade`` again if it was never answered: its intent may stand on the ledger without it.

    Raises:
        ClientError: its outcome stays unknown.
    """
    market.perform(act(action, trade), lambda: Done(""), take=_receipt(market, vault, trade, action))


def is_unanswered(vault: Vault, trade: str, *, action: str) -> bool:
    """Return whether a notice on ``trade`` was sent and never answered."""
    with slot(vault, act(action, trade)) as kept:
        return kept.load() is not None


def _receipt(market: Market, vault: Vault, trade: str, action: str) -> Callable[[dict[str, Any]], object]:
    """Return what stores the receipt in an answer, and gives the transaction."""

    def take(answer: dict[str, Any]) -> object:
        try:
            platform = market.config.platform.account
            receipt = receipts.parse_receipt(answer.get("receipt"), market=market.name, platform=platform)
            if receipt.receipt.subject != trade:
                raise MarketError(ErrorCode.RECEIPT_MALFORMED, "the receipt is for another trade")
            name = proofs.name_of(trade, action)
            proofs.keep_receipt(vault, name, receipt, market=market.name, platform=platform, now_ms=market.now())
        except MarketError as error:
            # Without it nothing proves that the notice came in; the transaction runs on all the same.
            detail = f"the gateway's receipt does not hold: {error}"
            txid = _txid(answer.get("transaction"))
            raise ClientError(GATEWAY_ANSWER, detail, txid=txid, undecided=True) from error
        return answer.get("transaction")

    return take


def act(action: str, trade: str) -> tuple[object, ...]:
    """Return how `Market.perform` tells the notice on ``trade`` from other acts."""
    return action, trade


def _txid(transaction: object) -> str:
    return str(transaction.get("txid", "")) if isinstance(transaction, dict) else ""
