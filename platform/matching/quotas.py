"""How often an account may ask the platform's oracles: searches and refused registrations (A-31)."""

from dataclasses import dataclass

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, delete, select, upsert
from countermark.protocol.errors import ErrorCode, MarketError


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``most`` uses by one account in each window of ``window_ms`` milliseconds."""

    kind: str
    most: int
    window_ms: int

    def spend(self, connection: Connection, account: str, *, now_ms: int) -> None:
        """Count one use, or refuse it.

        Raises:
            MarketError: RATE_LIMITED; what was refused is not counted.
        """
        self.check(connection, account, now_ms=now_ms)
        self.count(connection, account, now_ms=now_ms)

    def count(self, connection: Connection, account: str, *, now_ms: int) -> None:
        """Count one use, whatever was used before."""
        quotas = tables.quotas
        window = self._window(now_ms)
        connection.execute(
            upsert(quotas)
            .values(account=account, kind=self.kind, window_ms=window, used=1)
            .on_conflict_do_update(index_elements=["account", "kind", "window_ms"], set_={"used": quotas.c.used + 1})
        )
        connection.execute(
            delete(quotas).where(quotas.c.account == account, quotas.c.kind == self.kind, quotas.c.window_ms < window)
        )

    def check(self, connection: Connection, account: str, *, now_ms: int) -> None:
        """Refuse when the window's uses are used up, counting nothing.

        Raises:
            MarketError: RATE_LIMITED.
        """
        quotas = tables.quotas
        used = connection.execute(
            select(quotas.c.used)
            .where(
                quotas.c.account == account,
                quotas.c.kind == self.kind,
                quotas.c.window_ms == self._window(now_ms),
            )
            .with_for_update()
        ).scalar_one_or_none()
        if used is not None and used >= self.most:
            raise MarketError(ErrorCode.RATE_LIMITED, f"at most {self.most} in {self.window_ms // 1000} s")

    def _window(self, now_ms: int) -> int:
        return now_ms - now_ms % self.window_ms
