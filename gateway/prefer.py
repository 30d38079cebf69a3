"""The Prefer header (RFC 7240): how long a client wants an answer to be held back until the outcome is known."""

import re

LONGEST_WAIT_S = 30

_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,6})"?\s*(?:;.*)?', re.IGNORECASE | re.ASCII)


def wait_s(header: str | None) -> int:
    """Return the seconds that ``wait`` asks for, at most `LONGEST_WAIT_S`; 0 where nothing understood is asked.

    Preferences that a server does not know or that are malformed are to be ignored (RFC 7240 section 2), and of
    several only the first counts.
    """
    for preference in (header or "").split(","):
        match = _WAIT.fullmatch(preference.strip())
        if match is not None:
            return min(int(match.group(1)), LONGEST_WAIT_S)
    return 0
