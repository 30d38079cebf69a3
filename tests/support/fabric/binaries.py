"""Fabric's programs, as far as this machine has them."""

import shutil
from dataclasses import dataclass

NAMES = ("peer", "orderer")


@dataclass(frozen=True)
class Binaries:
    """Paths of the programs."""

    peer: str
    orderer: str


def missing() -> list[str]:
    """Return the names of Fabric's programs that are not on PATH."""
    return [name for name in NAMES if shutil.which(name) is None]


def find() -> Binaries:
    """Return where the programs are; they must be there."""
    found = [shutil.which(name) for name in NAMES]
    assert all(found), f"not on PATH: {', '.join(missing())}"
    return Binaries(*(str(path) for path in found))
