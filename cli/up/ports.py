"""The ports of one data folder: taken free at the first start, kept afterwards, so that profiles stay true."""

import json
from pathlib import Path

from countermark.client.files import write_private
from countermark.network.ports import free_ports, is_free


def kept_ports(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Return a port for each of ``names``: the ones in the file ``path`` as far as they are free, else new ones."""
    kept: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    ports = {name: port for name, port in kept.items() if name in names and is_free(port)}
    missing = [name for name in names if name not in ports]
    ports |= dict(zip(missing, free_ports(len(missing)), strict=True))
    if ports != kept:
        write_private(path, json.dumps(ports).encode())
    return ports
