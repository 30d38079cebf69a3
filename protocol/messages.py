"""What the signed messages have in common: a type, the market they are for, exact members, one code of refusal."""

from collections.abc import Mapping
from typing import Any

from countermark.protocol import fields, jws
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.jws import Signed


def record(value: object, members: Mapping[str, fields.Parser], *, code: ErrorCode) -> dict[str, Any]:
    """Return the members of a JSON object, each parsed; like `fields.record`, but every refusal has ``code``.

    Raises:
        MarketError: ``code``.
    """
    try:
        return fields.record(value, members, code=code)
    except MarketError as error:
        raise MarketError(code, error.detail) from error


def verify(
    token: object,
    typ: str,
    members: Mapping[str, fields.Parser],
    *,
    market: str,
    code: ErrorCode,
    limit: int = jws.MAX_TOKEN,
) -> tuple[Signed, dict[str, Any]]:
    """Return the signed message of a token and its parsed members but ``market``, which must be this market.

    Raises:
        MarketError: BAD_SIGNATURE, WRONG_MARKET, or ``code`` for everything else.
    """
    signed = jws.verify(token, typ, code=code, limit=limit)
    payload = record(signed.payload, {"market": fields.text(256), **members}, code=code)
    if payload.pop("market") != market:
        raise MarketError(ErrorCode.WRONG_MARKET, "the message names another market")
    return signed, payload
