"""Cursors of pages: where the next page begins, opaque to the reader."""

from typing import Any

from countermark.protocol import canonical, fields
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

LONGEST_PAGE = 100


def encode(*place: int | str) -> str:
    """Return the cursor of `place`, the sort key of the last item shown."""
    return b64u(canonical.dumps(list(place)))


def decode(cursor: str, *parsers: fields.Parser) -> tuple[Any, ...]:
    """Return the place of `cursor`, each part parsed.

    Raises:
        MarketError: MALFORMED_REQUEST.
    """
    place = canonical.loads(unb64u(cursor))
    if not isinstance(place, list) or len(place) != len(parsers):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "not a cursor of this list")
    return tuple(parser(part) for parser, part in zip(parsers, place, strict=True))
