"""Receipts: the platform's signed promise that what it received will stand under an anchor by a certain time (D-5).

A receipt without an anchor after that time is proof of the platform's fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from countermark.protocol import fields, jws, messages, times
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import ErrorCode, MarketError

TYP = "countermark-receipt+jws"


@dataclass(frozen=True)
class Receipt:
    """What was received, when, and by when it will be anchored."""

    kind: str
    """What kind of board entry it is, e.g. ``seller_notice``."""
    subject: str
    """Id of the trade."""
    leaf: str
    """``sha256:…``: hash of the board's leaf (RFC 6962)."""
    received_at_ms: int
    anchored_by_ms: int
    seq: int | None = None
    """The entry's number, by which who holds the notice can make the leaf; None in receipts of earlier versions."""


@dataclass(frozen=True)
class SignedReceipt:
    """A receipt that the platform signed."""

    receipt: Receipt
    digest: str
    token: str = field(repr=False)


_MEMBERS: Mapping[str, fields.Parser] = {
    "anchored_by": times.from_text,
    "kind": fields.name,
    "leaf": fields.digest,
    "received_at": times.from_text,
    "seq": fields.optional(fields.integer(0, 2**53 - 1)),
    "subject": fields.trade,
}


def sign_receipt(key: AccountKey, receipt: Receipt, *, market: str) -> str:
    """Return the token of ``receipt`` signed by the platform's ``key``."""
    payload = {
        "anchored_by": times.to_text(receipt.anchored_by_ms),
        "kind": receipt.kind,
        "leaf": receipt.leaf,
        "market": market,
        "received_at": times.to_text(receipt.received_at_ms),
        "subject": receipt.subject,
        **({} if receipt.seq is None else {"seq": receipt.seq}),
    }
    return jws.sign(key, TYP, payload)


def parse_receipt(token: object, *, market: str, platform: str) -> SignedReceipt:
    """Return the receipt of a token that the account ``platform`` signed for this market.

    Raises:
        MarketError: RECEIPT_MALFORMED, BAD_SIGNATURE, WRONG_MARKET, WRONG_ACTOR.
    """
    signed, payload = messages.verify(token, TYP, _MEMBERS, market=market, code=ErrorCode.RECEIPT_MALFORMED)
    if signed.signer != platform:
        raise MarketError(ErrorCode.WRONG_ACTOR, "a receipt is signed by the platform")
    receipt = Receipt(received_at_ms=payload.pop("received_at"), anchored_by_ms=payload.pop("anchored_by"), **payload)
    if receipt.anchored_by_ms < receipt.received_at_ms:
        raise MarketError(ErrorCode.RECEIPT_MALFORMED, "a receipt promises an anchor after reception")
    return SignedReceipt(receipt, signed.payload_digest, signed.token)
