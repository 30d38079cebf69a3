"""How often somebody may do something in a while: the platform's oracles above all (A-31), and writes at large."""

from dataclasses import dataclass, replace

from countermark.platform.store import clock, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Connection, bindparam, delete, select, upsert
from countermark.protocol.errors import ErrorCode, MarketError

KEPT_MS = 86_400_000
"""Longer than any quota's window."""

_QUOTAS = tables.quotas.c
_KEY = ("account", "kind", "window_ms")
_USED = select(_QUOTAS.used).where(*(_QUOTAS[name] == bindparam(name) for name in _KEY)).with_for_update()
_FIRST = upsert(tables.quotas).values(used=bindparam("uses"))
_COUNT = _FIRST.on_conflict_do_update(index_elements=_KEY, set_={"used": _QUOTAS.used + bindparam("uses")})
# One statement, since every write of a trader's goes through it.
_SPEND = _FIRST.on_conflict_do_update(
    index_elements=_KEY,
    set_={"used": _QUOTAS.used + bindparam("uses")},
    where=_QUOTAS.used + bindparam("uses") <= bindparam("most"),
).returning(_QUOTAS.used)
_FORGET = delete(tables.quotas).where(
    _QUOTAS.account == bindparam("account"),
    _QUOTAS.kind == bindparam("kind"),
    _QUOTAS.window_ms < bindparam("window_ms"),
)


class RateLimitedError(MarketError):
    """The limit ``kind`` of ``most`` uses in ``window_ms`` is used up; after ``wait_ms`` there is room again."""

    def __init__(self, kind: str, most: int, *, window_ms: int, wait_ms: int, more: str = "") -> None:
        """Take ``more`` to say, after how many in which time."""
        super().__init__(ErrorCode.RATE_LIMITED, f"at most {most} in {window_ms // 1000} s{more}")
        self.kind = kind
        self.most = most
        self.window_ms = window_ms
        self.wait_ms = wait_ms


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``most`` uses by one account, or whoever else is counted, in each window of ``window_ms`` ms."""

    kind: str
    most: int
    window_ms: int

    def times(self, factor: int) -> "Quota":
        """Return the quota of so many together."""
        return replace(self, most=self.most * factor)

    def spend(self, connection: Connection, account: str, *, now_ms: int, uses: int = 1) -> None:
        """Count one use, or several at once, or refuse them.

        Raises:
            RateLimitedError: it is used up; what was refused is not counted.
        """
        spent = self._row(account, now_ms)
        if uses > self.most:
            raise self._used_up(now_ms)
        used = connection.execute(_SPEND, {**spent, "uses": uses, "most": self.most}).scalar_one_or_none()
        if used is None:
            raise self._used_up(now_ms)
        if used == uses:
            connection.execute(_FORGET, spent)

    def count(self, connection: Connection, account: str, *, now_ms: int) -> None:
        """Count one use, whatever was used before."""
        counted = self._row(account, now_ms)
        connection.execute(_COUNT, {**counted, "uses": 1})
        connection.execute(_FORGET, counted)

    def check(self, connection: Connection, account: str, *, now_ms: int) -> None:
        """Refuse when the window's uses are used up, counting nothing.

        Raises:
            RateLimitedError: they are.
        """
        used = connection.execute(_USED, self._row(account, now_ms)).scalar_one_or_none()
        if used is not None and used >= self.most:
            raise self._used_up(now_ms)

    def _used_up(self, now_ms: int) -> RateLimitedError:
        ends_ms = self._window(now_ms) + self.window_ms
        return RateLimitedError(self.kind, self.most, window_ms=self.window_ms, wait_ms=ends_ms - now_ms)

    def _row(self, account: str, now_ms: int) -> dict[str, str | int]:
        return {"account": account, "kind": self.kind, "window_ms": self._window(now_ms)}

    def _window(self, now_ms: int) -> int:
        return now_ms - now_ms % self.window_ms


def forget_past(database: Database) -> int:
    """Delete what was counted in windows that are over, and return how many rows.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    with database.begin() as connection:
        return connection.execute(
            delete(tables.quotas).where(tables.quotas.c.window_ms < clock.now() - KEPT_MS)
        ).rowcount
