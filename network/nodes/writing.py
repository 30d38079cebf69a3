"""Writing what may be there already: a file that has not changed is not touched."""

import json
from collections.abc import Mapping
from pathlib import Path

from countermark.network.identities.files import PUBLIC, write_file


def write_changed(path: Path, data: bytes, *, mode: int = PUBLIC) -> bool:
    """Write `data` to `path` with `mode` unless that is what it holds, and return whether it was written."""
    if path.exists() and path.read_bytes() == data and path.stat().st_mode & 0o777 == mode:
        return False
    write_file(path, data, mode=mode)
    return True


def write_settings(path: Path, settings: Mapping[str, object]) -> bool:
    """Write `settings` as JSON, which is YAML, and return whether they have changed."""
    return write_changed(path, (json.dumps(settings, indent=2) + "\n").encode())
