"""A party's notice for the send-receive board (steps 16 and 20), and the receipt that it gets for it."""

from collections.abc import Callable
from typing import Any

from countermark.client.errors import GATEWAY_ANSWER, ClientError
from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
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
    intent: Callable[[str], str],
) -> Done:
    """Sign the account's notice on ``trade``, post it sealed with the intent that commits to it, store the receipt.

    ``root`` is the fingerprint root of what was sent or received; ``verdict`` None makes it the seller's notice;
    ``intent`` makes the token of the act from the notice's digest.

    Raises:
        ClientError: a rule of the market refuses, the outcome stays unknown, or the receipt is not the platform's.
    """
    role: notices.Role = "seller" if verdict is None else "buyer"
    notice = notices.Notice(
        role=role,
        trade=trade["id"],
        seller=trade["seller"],
        buyer=trade["buyer"],
        listing=trade["listing"],
        platform=market.config.platform.account,
        fingerprint_root=as_digest(root),
        claimed_at_ms=market.now(),
        verdict=verdict,
    )
    token, digest = notices.sign_notice(keys.account, notice, market=market.name)
    body = {"intent": intent(digest), "sealed": market.seal(token.encode(), kind="notice")}
    path = f"/v1/trades/{trade['id']}/{resource}"
    if market.dry_run:
        return market.post(path, body)
    answer = market.send(path, body)
    try:
        receipt = receipts.parse_receipt(answer.get("receipt"), market=market.name, platform=notice.platform)
        if receipt.receipt.subject != trade["id"]:
            raise MarketError(ErrorCode.RECEIPT_MALFORMED, "the receipt is for another trade")
    except MarketError as error:
        # Without it nothing proves that the notice came in; the transaction runs on all the same.
        detail = f"the gateway's receipt does not hold: {error}"
        raise ClientError(GATEWAY_ANSWER, detail, txid=_txid(answer.get("transaction"))) from error
    vault.put("receipts", f"{trade['id']}-{role}", {"receipt": receipt.token})
    return market.settled(answer.get("transaction"))


def _txid(transaction: object) -> str:
    return str(transaction.get("txid", "")) if isinstance(transaction, dict) else ""
