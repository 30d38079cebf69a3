"""One digest over all ledger-derived columns: equal on every replica that has applied the same blocks."""

import hashlib
import json

from countermark.platform.projection.derived import DERIVED, read_rows
from countermark.platform.store.sql import Connection


def ledger_digest(connection: Connection) -> str:
    """Return "sha256:…" over the ledger-derived columns of every table, row by row in the order of their keys."""
    digest = hashlib.sha256()
    for table, names in DERIVED:
        digest.update(_encode([table.name, *names]))
        for row in read_rows(connection, table, names):
            digest.update(_encode([value.hex() if isinstance(value, bytes) else value for value in row]))
    return f"sha256:{digest.hexdigest()}"


def _encode(values: list[object]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode() + b"\n"
