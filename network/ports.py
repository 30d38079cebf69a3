"""Ports of this machine on which nobody listens."""

import errno
import secrets
import socket
from itertools import islice
from pathlib import Path

LOOPBACK = "127.0.0.1"
_LOWEST, _END = 10_240, 65_536
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_WAIT_S = 1.0


def free_ports(count: int) -> list[int]:
    """Return `count` different ports of the loopback address on which nobody listens.

    If there are any, they lie below those that the kernel gives to connections: a port that is to be listened on
    later, and again after a restart, must not be somebody's end of a connection then.
    """
    ephemeral = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else _END
    ports = range(_LOWEST, ephemeral if ephemeral > _LOWEST else _END)
    # From a random one on: others choose at the same moment, and nobody holds what he has chosen. Neighbours, because
    # two rows of ports meet far more rarely than two handfuls.
    first = secrets.randbelow(len(ports))
    candidates = [*ports[first:], *ports[:first]]
    return list(islice(filter(is_free, candidates), count))


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server can listen on `port` of the address `host`."""
    return not why_not_free(port, host)


def why_not_free(port: int, host: str) -> int:
    """Return the error number that a server gets which listens on `port` of the address `host`; 0 if it gets none.

    EADDRINUSE says that somebody else does, EADDRNOTAVAIL that the address is none of this machine.
    """
    with socket.socket() as probe:
        # As servers do it: connections of an ended server that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        except OSError as error:
            return error.errno or errno.EADDRNOTAVAIL
        return 0


def listens(host: str, port: int) -> bool:
    """Return whether somebody takes connections on `port` of `host`."""
    try:
        socket.create_connection((host, port), timeout=_WAIT_S).close()
    except OSError:
        return False
    return True
