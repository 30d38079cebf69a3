"""Parsers of the fields of JSON objects: each takes a value, returns it parsed, or raises one error.

Used for the parameters of intents, the market configuration and the bodies of requests, so that a field means the
same thing wherever it stands.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from countermark.protocol import accounts, encoding, ids, money, sealed, times
from countermark.protocol.errors import ErrorCode, MarketError

Parser = Callable[[object], Any]

MAX_KEY_VERSION = 1_000_000
"""Highest version of an encryption key."""
MAX_FIRST_KEY_VERSION = 1_000
"""Highest version that an account's first key may have, so that it can be replaced for ever after."""

_TXID = re.compile("[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
"""Control characters but newline and tab."""
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def record(
    value: object, fields: Mapping[str, Parser], *, code: ErrorCode = ErrorCode.MALFORMED_REQUEST
) -> dict[str, Any]:
    """Return the members of the JSON object ``value``, each parsed; it must have exactly ``fields``.

    A member whose parser is `optional` may be missing.

    Raises:
        MarketError: ``code`` for a missing, unknown or malformed member; a field's own code where it has one.
    """
    if not isinstance(value, dict):
        raise MarketError(code, "a JSON object is expected")
    if not set(value) <= set(fields):
        raise MarketError(code, "an unknown member stands in the object")
    parsed: dict[str, Any] = {}
    for name, parser in fields.items():
        if name not in value:
            if isinstance(parser, optional):
                continue
            raise MarketError(code, f"{name} is missing")
        try:
            parsed[name] = parser(value[name])
        except MarketError as error:
            if error.code is ErrorCode.MALFORMED_REQUEST:
                raise MarketError(code, f"{name}: {error.detail}") from error
            raise
    return parsed


@dataclass(frozen=True)
class optional:  # noqa: N801  # reads as the functions beside it do
    """A parser whose member `record` lets an object leave out."""

    parser: Parser

    def __call__(self, value: object) -> Any:
        """Return ``value`` parsed by the parser within."""
        return self.parser(value)


def _refuse(detail: str) -> MarketError:
    return MarketError(ErrorCode.MALFORMED_REQUEST, detail)


def integer(low: int, high: int) -> Parser:
    """Return a parser of integers from ``low`` to ``high``."""

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _refuse(f"an integer from {low} to {high} is expected")
        return value

    return parse


def boolean(value: object) -> bool:
    """Return ``value`` if it is true or false."""
    if not isinstance(value, bool):
        raise _refuse("true or false is expected")
    return value


def text(longest: int, *, empty: bool = False) -> Parser:
    """Return a parser of strings of at most ``longest`` characters without control characters but newline and tab."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or len(value) > longest or (not value and not empty):
            raise _refuse(f"a text of at most {longest} characters is expected")
        if _CONTROL.search(value):
            raise _refuse("a text has no control characters")
        return value

    return parse


def choice(*values: str) -> Parser:
    """Return a parser of one of ``values``."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in values:
            raise _refuse("one of " + ", ".join(values) + " is expected")
        return value

    return parse


def binary(length: int) -> Parser:
    """Return a parser of base64url of exactly ``length`` bytes; its result stays text."""

    def parse(value: object) -> str:
        if not isinstance(value, str):
            raise _refuse("base64url is expected")
        encoding.unb64u(value, length=length)
        return value

    return parse


def sequence(parser: Parser, *, longest: int, shortest: int = 0) -> Parser:
    """Return a parser of JSON arrays of ``shortest`` to ``longest`` values of ``parser``."""

    def parse(value: object) -> list[Any]:
        if not isinstance(value, list) or not shortest <= len(value) <= longest:
            raise _refuse(f"an array of {shortest} to {longest} values is expected")
        return [parser(item) for item in value]

    return parse


def mapping(key: Parser, parser: Parser, *, longest: int) -> Parser:
    """Return a parser of JSON objects with at most ``longest`` free names that ``key`` accepts."""

    def parse(value: object) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > longest:
            raise _refuse(f"an object of at most {longest} members is expected")
        return {key(name): parser(item) for name, item in value.items()}

    return parse


def nested(fields: Mapping[str, Parser]) -> Parser:
    """Return a parser of JSON objects with exactly ``fields``."""
    return lambda value: record(value, fields)


def name(value: object) -> str:
    """Return ``value`` if it is a short name, which a slash may divide: a generator, a market, a kind of entry."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _refuse("a name of letters, digits and ._/- is expected")
    return value


def segment(value: object) -> str:
    """Return ``value`` if it is a short name that can be one segment of a key: an MSP id, a deposit's reference.

    With a slash in it the segments of ``deposit/{issuer}/{reference}`` could be told apart in more than one way.
    """
    if not isinstance(value, str) or not _SEGMENT.fullmatch(value):
        raise _refuse("a name of letters, digits and ._- is expected")
    return value


def digest(value: object) -> str:
    """Return ``value`` if it is ``sha256:`` and 64 hexadecimal digits."""
    if not isinstance(value, str):
        raise _refuse("a digest is expected")
    encoding.undigest(value)
    return value


def txid(value: object) -> str:
    """Return ``value`` if it can be a transaction's id: 64 lower-case hexadecimal digits."""
    if not isinstance(value, str) or not _TXID.fullmatch(value):
        raise _refuse("a transaction's id is expected")
    return value


def time(value: object) -> str:
    """Return ``value`` if it is a time as `times.to_text` writes it."""
    return times.to_text(times.from_text(value))


def amount(value: object) -> str:
    """Return ``value`` if it is a positive amount in minor units (`money.parse_amount`)."""
    return str(money.parse_amount(value))


def amount_or_zero(value: object) -> str:
    """Return ``value`` if it is an amount in minor units, 0 allowed."""
    return str(money.parse_amount(value, zero=True))


address = accounts.parse_address
listing = ids.parse_listing
trade = ids.parse_trade
claim = ids.parse_claim
nonce = binary(16)
public_key = sealed.parse_public
encryption_key = nested({"version": integer(1, MAX_KEY_VERSION), "key": public_key})
first_encryption_key = nested({"version": integer(1, MAX_FIRST_KEY_VERSION), "key": public_key})
