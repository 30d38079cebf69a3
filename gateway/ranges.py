"""Byte ranges of HTTP (RFC 9110, section 14): one range at a time."""

import re
from dataclasses import dataclass

from countermark.protocol.errors import ErrorCode, MarketError

_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.ASCII)
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes ``start`` up to ``stop`` (exclusive) of a resource of ``total`` bytes."""

    start: int
    stop: int
    total: int


def parse_content_range(field: str) -> Part:
    """Return the part that a Content-Range field names.

    Raises:
        MarketError: MALFORMED_REQUEST.
    """
    match = _CONTENT_RANGE.fullmatch(field)
    if match is None:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "Content-Range: bytes first-last/total is expected")
    first, last, total = map(int, match.groups())
    if not first <= last < total:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "Content-Range names bytes that cannot be")
    return Part(first, last + 1, total)


def parse_range(field: str) -> tuple[int, int | None] | None:
    """Return first byte and end (exclusive, None for the last) of a Range field, None when it is to be ignored.

    What a server does not understand of a Range it ignores, and sends everything (section 14.2).
    """
    match = _RANGE.fullmatch(field)
    if match is None:
        return None
    first, last = match.groups()
    if last is not None and int(last) < int(first):
        return None
    return int(first), None if last is None else int(last) + 1
