"""Files that organisations hand to one another: JSON, read with a bound and strictly, in one way for all of them.

What strict means, `protocol.canonical` and `protocol.fields` say, as for everything else that comes from elsewhere:
no member twice, none unknown, none missing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countermark.network.errors import NetworkError
from countermark.protocol import canonical, fields
from countermark.protocol.errors import MarketError


class DocumentError(NetworkError):
    """A file cannot be read (`unreadable`), or is not what it should be (`malformed`); each kind renames it."""


def read(path: Path, *, longest: int) -> bytes:
    """Return the bytes of the file `path`, one more than `longest` at the most: `parse` refuses these.

    Raises:
        DocumentError: ``unreadable``.
    """
    try:
        with path.open("rb") as file:
            return file.read(longest + 1)
    except OSError as error:
        raise DocumentError("unreadable", f"{path}: {error.strerror}") from error


def parse(data: bytes, members: Mapping[str, fields.Parser], *, longest: int) -> dict[str, Any]:
    """Return the members of the JSON object in `data`, each parsed; there must be exactly these.

    Raises:
        DocumentError: ``malformed``; says which member, and repeats nothing of the file.
    """
    if len(data) > longest:
        raise DocumentError("malformed", f"longer than {longest} bytes")
    try:
        return fields.record(canonical.loads(data, canonical=False), members)
    except MarketError as error:
        raise DocumentError("malformed", error.detail) from error
