"""Inquiries by sample: a search for what is on the market (9-2), and a trace of whose a thing is.

Each is a signed request that holds the fingerprints of samples; the samples stay with whoever asks. It travels sealed
to the platform, and the answer comes sealed to the asker's account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from countermark.protocol import fields, intents, jws, messages, times
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

TYP = "countermark-search+jws"
TRACE_TYP = "countermark-trace+jws"
"""A signed search is no trace, and the reverse."""

MAX_FINGERPRINT = 1 << 20
"""Most bytes of all fingerprints of one inquiry."""
MAX_SAMPLES = 64
"""Most fingerprints: of a collection, some of its items are asked for."""
MAX_AGE_MS = 300_000
"""How long an inquiry may be answered after it was issued, in milliseconds."""

_MAX_TOKEN = 2 * MAX_FINGERPRINT


@dataclass(frozen=True)
class Search:
    """An inquiry whose signature holds; whether it is timely is for `check_time` to say."""

    signer: str
    fingerprints: tuple[bytes, ...] = field(repr=False)
    """Canonical bytes of the samples' fingerprints, one at least."""
    issued_at_ms: int
    nonce: str
    digest: str
    """``sha256:…`` of the payload: identifies the inquiry, with its signer."""
    token: str = field(repr=False)
    payment: str = ""
    """Transaction that pays for it, where more is asked than is free."""


def _fingerprint(value: object) -> bytes:
    raw = unb64u(value)
    if not 0 < len(raw) <= MAX_FINGERPRINT:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"a fingerprint has 1 to {MAX_FINGERPRINT} bytes")
    return raw


_MEMBERS: Mapping[str, fields.Parser] = {
    "fingerprint": fields.optional(_fingerprint),
    "fingerprints": fields.optional(fields.sequence(_fingerprint, shortest=2, longest=MAX_SAMPLES)),
    "issued_at": times.from_text,
    "nonce": fields.nonce,
    "payment": fields.optional(fields.txid),
}


def sign_search(
    key: AccountKey,
    *,
    market: str,
    fingerprint: bytes,
    more: Sequence[bytes] = (),
    issued_at_ms: int,
    nonce: str | None = None,
    payment: str = "",
    typ: str = TYP,
) -> str:
    """Return the token of an inquiry by ``key`` about what resembles ``fingerprint`` or ``more``.

    ``typ`` is `TYP` or `TRACE_TYP`.
    """
    payload: dict[str, object] = {
        "issued_at": times.to_text(issued_at_ms),
        "market": market,
        "nonce": intents.new_nonce() if nonce is None else nonce,
    }
    if more:
        payload["fingerprints"] = [b64u(one) for one in (fingerprint, *more)]
    else:
        payload["fingerprint"] = b64u(fingerprint)
    if payment:
        payload["payment"] = payment
    return jws.sign(key, typ, payload)


def parse_search(token: object, *, market: str, typ: str = TYP) -> Search:
    """Return the inquiry of a token for this market. Its time is not looked at.

    Raises:
        MarketError: MALFORMED_REQUEST, BAD_SIGNATURE, WRONG_MARKET.
    """
    code = ErrorCode.MALFORMED_REQUEST
    signed, payload = messages.verify(token, typ, _MEMBERS, market=market, code=code, limit=_MAX_TOKEN)
    if ("fingerprint" in payload) == ("fingerprints" in payload):
        raise MarketError(code, "either a fingerprint or several are expected")
    fingerprints = payload.get("fingerprints") or [payload["fingerprint"]]
    if sum(map(len, fingerprints)) > MAX_FINGERPRINT:
        raise MarketError(code, f"the fingerprints have at most {MAX_FINGERPRINT} bytes together")
    return Search(
        signer=signed.signer,
        fingerprints=tuple(fingerprints),
        issued_at_ms=payload["issued_at"],
        nonce=payload["nonce"],
        digest=signed.payload_digest,
        token=signed.token,
        payment=payload.get("payment", ""),
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
