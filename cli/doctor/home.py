"""A party's home: whether its keys are there, readable, and nobody else's to read."""

import stat
from collections.abc import Iterator
from pathlib import Path

from countermark.cli.doctor.findings import Finding, NotAsItShouldError, examine
from countermark.client.home import Home


def findings(home: Home) -> Iterator[Finding]:
    """Yield what was found; nothing where there is no home yet."""
    if not home.path.exists():
        return iter(())
    return examine(
        ("home", lambda: _private(home.path)),
        ("accounts", lambda: _accounts(home)),
    )


def _accounts(home: Home) -> str:
    accounts = home.accounts()
    for path in (home.path / "accounts").glob("*.json"):
        _private(path)
    in_use = home.profile.account
    if in_use and in_use not in accounts:
        raise ValueError(f"the account in use, {in_use}, has no keystore")
    if not accounts:
        raise NotAsItShouldError("none yet; `countermark account new` makes one")
    return ", ".join(f"{name}{' (in use)' if name == in_use else ''}" for name in accounts)


def _private(path: Path) -> str:
    """Return the path if nobody but its owner can read it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ValueError(f"{path} is open to others (mode {mode:04o}); chmod go= closes it")
    return str(path)
