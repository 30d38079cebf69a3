"""The account as which containers run, and to which their files belong.

It has a number and no name: names mean other numbers in a container.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ACCOUNT: Final = 10001
"""Number of the account and of its group in our images."""


@dataclass(frozen=True, slots=True)
class Owner:
    """An account, and its group."""

    uid: int
    gid: int

    @classmethod
    def usual(cls) -> "Owner":
        """Return the account of the images, or this one where only root could give files away."""
        return cls(ACCOUNT, ACCOUNT) if os.geteuid() == 0 else cls(os.geteuid(), os.getegid())

    @classmethod
    def of(cls, path: Path) -> "Owner":
        """Return the account to which `path` belongs."""
        status = path.stat()
        return cls(status.st_uid, status.st_gid)

    @property
    def within_reach(self) -> bool:
        """Whether files can be given to it."""
        return os.geteuid() == 0 or (os.geteuid(), os.getegid()) == (self.uid, self.gid)

    def has(self, path: Path) -> bool:
        """Return whether `path` is its own."""
        status = path.lstat()
        return (status.st_uid, status.st_gid) == (self.uid, self.gid)

    def take(self, path: Path) -> None:
        """Give it `path`, unless that is its own."""
        if not self.has(path):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def take_all(self, folder: Path) -> None:
        """Give it `folder` and whatever is below."""
        for path in (folder, *folder.rglob("*")):
            self.take(path)

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"
