"""Intents: what a trader signs to ask for one action, whoever submits it (protocol.md, "Intents"; D-4).

The payload is ``{action, expires_at, issued_at, market, nonce, params}``. An intent is identified by its signer, its
nonce and the digest of its payload; the same intent again has the first outcome, another payload under the same
nonce is refused by the chaincode.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countermark.protocol import actions, fields, jws, times
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode, MarketError

TYP = "countermark-intent+jws"
NONCE_BYTES = 16
LIFETIME_S = 300
"""How long an intent lives unless its signer says otherwise, in seconds."""

MAX_AHEAD_MS = 60_000
"""How far a signer's clock may run before the ledger's, in milliseconds."""

_PAYLOAD: Mapping[str, fields.Parser] = {
    "action": fields.text(64),
    "expires_at": times.from_text,
    "issued_at": times.from_text,
    "market": fields.text(256),
    "nonce": fields.nonce,
    "params": lambda value: value,
}


@dataclass(frozen=True)
class Intent:
    """A well-formed intent whose signature holds; whether it is timely is for `check_time` to say."""

    signer: str
    market: str
    """Channel/chaincode."""
    action: str
    """The contract function asked for."""
    params: Mapping[str, Any]
    """Parsed by `actions.check`."""
    nonce: str
    """16 bytes in base64url; the idempotency key."""
    issued_at_ms: int
    expires_at_ms: int
    digest: str
    """``sha256:…`` of the payload's canonical bytes."""
    token: str = field(repr=False)
    """The compact JWS itself."""


def new_nonce() -> str:
    """Return a fresh random nonce, 16 bytes in base64url."""
    return b64u(secrets.token_bytes(NONCE_BYTES))


def sign(
    key: AccountKey,
    *,
    market: str,
    action: str,
    params: Mapping[str, Any],
    issued_at_ms: int,
    lifetime_s: int = LIFETIME_S,
    nonce: str | None = None,
) -> str:
    """Return the token of an intent by ``key`` that expires ``lifetime_s`` seconds after ``issued_at_ms``.

    A client that may have to ask again chooses ``nonce`` itself and stores it first.

    Raises:
        MarketError: WRONG_ACTION, MALFORMED_INTENT or a field's own code: what the market would refuse is not signed.
    """
    actions.check(action, params)
    payload = {
        "action": action,
        "expires_at": times.to_text(issued_at_ms + lifetime_s * 1000),
        "issued_at": times.to_text(issued_at_ms),
        "market": market,
        "nonce": new_nonce() if nonce is None else nonce,
        "params": params,
    }
    return jws.sign(key, TYP, payload)


def parse(token: object, *, market: str, action: str | None = None) -> Intent:
    """Return the intent of a token for this market and, where given, this action. Its time is not looked at.

    Raises:
        MarketError: MALFORMED_INTENT, BAD_SIGNATURE, WRONG_MARKET, WRONG_ACTION, or a parameter's own code.
    """
    signed = jws.verify(token, TYP, code=ErrorCode.MALFORMED_INTENT)
    payload = fields.record(signed.payload, _PAYLOAD, code=ErrorCode.MALFORMED_INTENT)
    if payload["market"] != market:
        raise MarketError(ErrorCode.WRONG_MARKET, "the intent names another market")
    if action is not None and payload["action"] != action:
        raise MarketError(ErrorCode.WRONG_ACTION, f"the intent does not ask for {action}")
    if payload["expires_at"] <= payload["issued_at"]:
        raise MarketError(ErrorCode.MALFORMED_INTENT, "the intent expires before it is issued")
    name, params = actions.check(payload["action"], payload["params"])
    return Intent(
        signer=signed.signer,
        market=market,
        action=name,
        params=params,
        nonce=payload["nonce"],
        issued_at_ms=payload["issued_at"],
        expires_at_ms=payload["expires_at"],
        digest=signed.payload_digest,
        token=signed.token,
    )


def check_time(intent: Intent, now_ms: int, *, longest_s: int) -> None:
    """Check that ``intent`` may act at ``now_ms`` and lives at most ``longest_s`` seconds.

    Raises:
        MarketError: INTENT_EXPIRED, INTENT_NOT_YET_VALID, INTENT_TOO_LONG.
    """
    if intent.expires_at_ms - intent.issued_at_ms > longest_s * 1000:
        raise MarketError(ErrorCode.INTENT_TOO_LONG, f"such an intent lives at most {longest_s} s")
    if intent.issued_at_ms > now_ms + MAX_AHEAD_MS:
        raise MarketError(ErrorCode.INTENT_NOT_YET_VALID, "the intent is issued in the future")
    # Act-before is inclusive, as every deadline is.
    if now_ms > intent.expires_at_ms:
        raise MarketError(ErrorCode.INTENT_EXPIRED, "the intent has expired")
