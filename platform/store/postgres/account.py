"""The account that runs PostgreSQL, which refuses to run as root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countermark.protocol.errors import ErrorCode, MarketError

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this machine."""

    uid: int
    gid: int

    def can_traverse(self, path: Path) -> bool:
        """Return whether the account may enter `path` and every folder above it."""
        resolved = path.resolve()
        return all(self._may_enter(folder.stat()) for folder in (resolved, *resolved.parents))

    def _may_enter(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def subprocess_options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to run a program as this account and with none of our groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def unprivileged(folder: Path) -> Account | None:
    """Return the account to drop to, or None when this process is not root and PostgreSQL runs as itself.

    A data folder that exists keeps its owner: `folder` is looked at first.

    Raises:
        MarketError: DATABASE_UNAVAILABLE when the machine has no unprivileged account to offer.
    """
    if os.geteuid() != 0:
        return None
    try:
        status = folder.stat()
    except FileNotFoundError:
        pass
    else:
        if status.st_uid != 0:
            return Account(status.st_uid, status.st_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, f"PostgreSQL must not run as root, and no {_CANDIDATES} exists")
