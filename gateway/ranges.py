"""Byte ranges of HTTP (RFC 9110, section 14): one range at a time."""

import re
from dataclasses import dataclass

from countermark.protocol.errors import ErrorCode, MarketError

_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.ASCII)
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


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


def parse_range(field: str, size: int) -> tuple[int, int] | None:
    """Return first byte and end (exclusive) of a Range field on ``size`` bytes, None when it is to be ignored.

    What a server does not understand of a Range it ignores, and sends everything (section 14.2). A range that goes
    beyond the end stops there, and one without a first byte means the last ones (section 14.1.2).

    Raises:
        MarketError: MALFORMED_REQUEST when none of the bytes is there (section 15.5.17).
    """
    match = _RANGE.fullmatch(field)
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"there are {size} bytes")
    return start, stop
