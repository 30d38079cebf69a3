"""Times on the wire: RFC 3339 in UTC with milliseconds; in code: integer milliseconds since the epoch."""

import re
from datetime import UTC, datetime

from countermark.protocol.errors import ErrorCode, MarketError

_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})\.(\d{3})Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_text(time_ms: int) -> str:
    """Return ``time_ms`` (milliseconds since the epoch) as ``YYYY-MM-DDTHH:MM:SS.mmmZ`` (RFC 3339).

    Texts of this form sort as the times do.
    """
    seconds, milliseconds = divmod(time_ms, 1000)
    # Integer arithmetic: a float of seconds would round milliseconds.
    moment = datetime.fromtimestamp(seconds, UTC)
    # %Y does not pad years before 1000 on every platform.
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def from_text(text: object, *, code: ErrorCode = ErrorCode.MALFORMED_REQUEST) -> int:
    """Return the milliseconds since the epoch that ``text`` names.

    Raises:
        MarketError: with ``code`` when ``text`` is not exactly of the form that `to_text` writes.
    """
    parts = _TIME.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        raise MarketError(code, "a time must be RFC 3339 UTC with milliseconds")
    year, month, day, hour, minute, second, milliseconds = map(int, parts.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise MarketError(code, "a time must exist in the calendar") from error
    elapsed = moment - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + milliseconds
