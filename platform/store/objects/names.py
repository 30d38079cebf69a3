"""The names that objects may have, in every store the same."""

import re

from countermark.protocol.errors import ErrorCode, MarketError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_.:-]*)+", re.ASCII)
_GROWING = ".part"
"""What a folder calls an object that is not sealed yet."""


def checked(name: str) -> str:
    """Return ``name``, if an object may have it.

    Names come from ids that were parsed before; this keeps a mistake from leaving the store.

    Raises:
        MarketError: NOT_FOUND.
    """
    if not _NAME.fullmatch(name) or name.endswith(_GROWING):
        raise MarketError(ErrorCode.NOT_FOUND, "no object has such a name")
    return name
