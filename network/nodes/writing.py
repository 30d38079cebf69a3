"""Writing what may be there already: a file that has not changed is not touched."""

import json
from collections.abc import Mapping
from pathlib import Path

from countermark.network.identities.files import PUBLIC, write_file


def write_changed(path: Path, data: bytes, *, mode: int = PUBLIC) -> bool:
    """Write `data` to `path` with `mode` unless that is what it holds, and return whether it was written."""
    if holds(path, data) and path.stat().st_mode & 0o777 == mode:
        return False
    write_file(path, data, mode=mode)
    return True


def holds(path: Path, data: bytes) -> bool:
    """Return whether there is a file `path` with just these bytes."""
    return path.exists() and path.read_bytes() == data


def settings_bytes(settings: Mapping[str, object]) -> bytes:
    """Return `settings` as JSON, which is YAML."""
    return (json.dumps(settings, indent=2) + "\n").encode()
