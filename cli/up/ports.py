"""The ports of one data folder: taken free at the first start, kept afterwards, so that profiles stay true."""

import json
import secrets
import socket
from itertools import islice
from pathlib import Path

from countermark.client.files import write_private

LOOPBACK = "127.0.0.1"


_LOWEST, _END = 10_240, 65_536
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """Return ``count`` different ports of the loopback address on which nobody listens.

    If there are any, they lie below those that the kernel gives to connections: a port that is to be listened on
    later, and again after a restart, must not be somebody's end of a connection then.
    """
    ephemeral = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else _END
    ports = range(_LOWEST, ephemeral if ephemeral > _LOWEST else _END)
    # At random: others choose at the same moment, and nobody holds what he has chosen.
    candidates = secrets.SystemRandom().sample(ports, k=len(ports))
    return list(islice(filter(is_free, candidates), count))


def is_free(port: int) -> bool:
    """Return whether a server can listen on ``port``."""
    with socket.socket() as probe:
        # As servers do it: connections of an ended server that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def kept_ports(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Return a port for each of ``names``: the ones in the file ``path`` as far as they are free, else new ones."""
    kept: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    ports = {name: port for name, port in kept.items() if name in names and is_free(port)}
    missing = [name for name in names if name not in ports]
    ports |= dict(zip(missing, free_ports(len(missing)), strict=True))
    if ports != kept:
        write_private(path, json.dumps(ports).encode())
    return ports
