"""Fabric's programs: the operator brings them, the project has none."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from countermark.network.native.errors import RunError

_VERSION = re.compile(r"Version: v?(\d+)\.(\d+)")
_LEAST = (3, 0)
_WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of the programs."""

    peer: str
    orderer: str


def find(folder: Path | None = None) -> Binaries:
    """Return the programs in `folder`, else those on PATH.

    Raises:
        RunError: One is missing or older than Fabric 3.0, whose channels ours are.
    """
    path = os.fspath(folder) if folder is not None else None
    found = {name: shutil.which(name, path=path) for name in ("peer", "orderer")}
    missing = [name for name, file in found.items() if file is None]
    if missing:
        where = folder or "PATH"
        raise RunError("missing_binary", f"{' and '.join(missing)} of Hyperledger Fabric not found in {where}")
    binaries = Binaries(str(found["peer"]), str(found["orderer"]))
    for program in (binaries.peer, binaries.orderer):
        _check_version(program)
    return binaries


def _check_version(program: str) -> None:
    try:
        done = subprocess.run([program, "version"], capture_output=True, timeout=_WAIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise RunError("bad_binary", f"{program} version: {error}") from error
    said = done.stdout.decode(errors="replace")
    if "Version: " not in said:
        raise RunError("bad_binary", f"{program} does not say its version as Fabric's programs do")
    # One that was built from no release says something else than numbers.
    found = _VERSION.search(said)
    if found and (int(found[1]), int(found[2])) < _LEAST:
        raise RunError("bad_binary", f"{program} is of Fabric {found[1]}.{found[2]}; 3.0 or later is needed")
