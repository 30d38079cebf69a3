"""Searches by sample (9-2): a signed request that holds the sample's fingerprint; the sample stays with the searcher.

It travels sealed to the platform, and the answer comes sealed to the searcher's account.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from countermark.protocol import fields, intents, jws, messages, times
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

TYP = "countermark-search+jws"

MAX_FINGERPRINT = 1 << 20
"""Largest fingerprint, in bytes."""
MAX_AGE_MS = 300_000
"""How long a search may be answered after it was issued, in milliseconds."""

_MAX_TOKEN = 2 * MAX_FINGERPRINT


@dataclass(frozen=True)
class Search:
    """A search whose signature holds; whether it is timely is for `check_time` to say."""

    signer: str
    fingerprint: bytes = field(repr=False)
    """Canonical bytes of the sample's fingerprint."""
    issued_at_ms: int
    nonce: str
    digest: str
    """``sha256:…`` of the payload: identifies the search, with its signer."""
    token: str = field(repr=False)


def _fingerprint(value: object) -> bytes:
    raw = unb64u(value)
    if not 0 < len(raw) <= MAX_FINGERPRINT:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"a fingerprint has 1 to {MAX_FINGERPRINT} bytes")
    return raw


_MEMBERS: Mapping[str, fields.Parser] = {
    "fingerprint": _fingerprint,
    "issued_at": times.from_text,
    "nonce": fields.nonce,
}


def sign_search(
    key: AccountKey, *, market: str, fingerprint: bytes, issued_at_ms: int, nonce: str | None = None
) -> str:
    """Return the token of a search by ``key`` for what resembles ``fingerprint``."""
    payload = {
        "fingerprint": b64u(fingerprint),
        "issued_at": times.to_text(issued_at_ms),
        "market": market,
        "nonce": intents.new_nonce() if nonce is None else nonce,
    }
    return jws.sign(key, TYP, payload)


def parse_search(token: object, *, market: str) -> Search:
    """Return the search of a token for this market. Its time is not looked at.

    Raises:
        MarketError: MALFORMED_REQUEST, BAD_SIGNATURE, WRONG_MARKET.
    """
    code = ErrorCode.MALFORMED_REQUEST
    signed, payload = messages.verify(token, TYP, _MEMBERS, market=market, code=code, limit=_MAX_TOKEN)
    return Search(
        signer=signed.signer,
        fingerprint=payload["fingerprint"],
        issued_at_ms=payload["issued_at"],
        nonce=payload["nonce"],
        digest=signed.payload_digest,
        token=signed.token,
    )


def check_time(search: Search, now_ms: int) -> None:
    """Check that ``search`` was issued at most `MAX_AGE_MS` before ``now_ms``, or a little ahead of it.

    Raises:
        MarketError: INTENT_EXPIRED, INTENT_NOT_YET_VALID.
    """
    if search.issued_at_ms > now_ms + intents.MAX_AHEAD_MS:
        raise MarketError(ErrorCode.INTENT_NOT_YET_VALID, "the search is issued in the future")
    if now_ms > search.issued_at_ms + MAX_AGE_MS:
        raise MarketError(ErrorCode.INTENT_EXPIRED, "the search is too old")
