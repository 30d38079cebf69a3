"""Notices: what seller (16) and buyer (20) state about a transmission, for the send-receive board.

A notice is signed by its party and sealed to the platform. It names the trade, so it cannot be shown for another
trade of the same data (A-12), and holds 32 random bytes, so that its digest, which stands on the ledger, tells
nothing about the fingerprint in it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from countermark.protocol import canonical, fields, jws, messages, times
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, digest, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

TYP = "countermark-notice+jws"
BLIND_BYTES = 32

LONGEST_SKEW_MS = 900_000
"""How far a claimed time may lie from the time of reception (A-13)."""

Role = Literal["seller", "buyer"]
Verdict = Literal["match", "altered", "bad"]


@dataclass(frozen=True)
class Notice:
    """One party's statement about what he sent or received in a trade."""

    role: Role
    trade: str
    seller: str
    buyer: str
    listing: str
    platform: str
    """Address of the account for whose board the notice is (``aud``)."""
    fingerprint_root: str = field(repr=False)
    """``sha256:…``: Merkle root of the item fingerprints sent or received; of received data that has no fingerprint,
    its SHA-256."""
    claimed_at_ms: int
    """When the party says that he finished: t1, t2 of the paper."""
    verdict: Verdict | None = None
    """The buyer's judgement; a seller has none."""
    blind: bytes = field(default_factory=lambda: secrets.token_bytes(BLIND_BYTES), repr=False)
    """32 random bytes."""

    def __post_init__(self) -> None:
        if (self.role == "seller") != (self.verdict is None):
            raise MarketError(ErrorCode.NOTICE_MALFORMED, "the buyer gives a verdict, the seller none")

    @property
    def author(self) -> str:
        """Address of the party whose statement this is."""
        return self.seller if self.role == "seller" else self.buyer


@dataclass(frozen=True)
class SignedNotice:
    """A notice whose signature is its author's."""

    notice: Notice
    signer: str
    digest: str
    """``sha256:…`` of the payload: what ``trade.send`` and ``trade.ack`` carry."""
    token: str = field(repr=False)


def _verdict(value: object) -> Any:
    return None if value is None else fields.choice("match", "altered", "bad")(value)


_MEMBERS: Mapping[str, fields.Parser] = {
    "aud": fields.address,
    "blind": lambda value: unb64u(value, length=BLIND_BYTES),
    "buyer": fields.address,
    "claimed_at": times.from_text,
    "fingerprint_root": fields.digest,
    "listing": fields.listing,
    "nonce": fields.nonce,
    "role": fields.choice("seller", "buyer"),
    "seller": fields.address,
    "trade": fields.trade,
    "verdict": _verdict,
}


def sign_notice(key: AccountKey, notice: Notice, *, market: str) -> tuple[str, str]:
    """Return the token of ``notice`` signed by its author's ``key``, and its digest ``sha256:…``.

    Raises:
        MarketError: WRONG_ACTOR.
    """
    _check_author(notice, key.address)
    payload: dict[str, Any] = {
        "aud": notice.platform,
        "blind": b64u(notice.blind),
        "buyer": notice.buyer,
        "claimed_at": times.to_text(notice.claimed_at_ms),
        "fingerprint_root": notice.fingerprint_root,
        "listing": notice.listing,
        "market": market,
        "nonce": b64u(secrets.token_bytes(16)),
        "role": notice.role,
        "seller": notice.seller,
        "trade": notice.trade,
        "verdict": notice.verdict,
    }
    return jws.sign(key, TYP, payload), digest(canonical.dumps(payload))


def parse_notice(token: object, *, market: str, platform: str) -> SignedNotice:
    """Return the notice of a token that its author signed for this market's board.

    Whether the trade exists and has these parties is for the board to check.

    Args:
        token: what should be a notice.
        market: channel/chaincode.
        platform: address of the platform's account.

    Raises:
        MarketError: NOTICE_MALFORMED, BAD_SIGNATURE, WRONG_MARKET, WRONG_ACTOR.
    """
    signed, payload = messages.verify(token, TYP, _MEMBERS, market=market, code=ErrorCode.NOTICE_MALFORMED)
    del payload["nonce"]
    notice = Notice(platform=payload.pop("aud"), claimed_at_ms=payload.pop("claimed_at"), **payload)
    if notice.platform != platform:
        raise MarketError(ErrorCode.WRONG_MARKET, "the notice is for another platform's board")
    _check_author(notice, signed.signer)
    return SignedNotice(notice, signed.signer, signed.payload_digest, signed.token)


def _check_author(notice: Notice, signer: str) -> None:
    if signer != notice.author:
        raise MarketError(ErrorCode.WRONG_ACTOR, f"a {notice.role}'s notice is signed by him")
