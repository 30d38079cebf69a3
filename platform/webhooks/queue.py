"""Which webhooks have something to be told: leased to one worker each, and moved on event by event.

A lease is renewed before each delivery and outlasts one, so the events of a webhook leave one after the other. It
ends with the process of its holder (`store.presence`). Should a worker stand still for longer, another takes over,
and what both deliver arrives twice.
"""

import logging
import secrets
from dataclasses import dataclass, replace
from typing import Any

from countermark.platform.store import clock, presence, tables
from countermark.platform.store.sql import Connection, func, literal_column, or_, select, update
from countermark.platform.webhooks import schedule
from countermark.platform.webhooks.hooks import HookState, Webhook, Webhooks
from countermark.protocol.errors import MarketError

_log = logging.getLogger(__name__)

LEASE_MS = 120_000
"""How long a worker that lives has a webhook: longer than any delivery takes, its name's resolution included."""


class LeaseLostError(Exception):
    """The webhook was removed, or another worker has taken it over."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A webhook that ``holder`` alone delivers to."""

    hook: Webhook
    holder: str


class HookQueue:
    """The webhooks of one database as work to be done. Methods run in the caller's transaction."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def lease(self, connection: Connection) -> Leased | None:
        """Return a webhook that has something to be told, leased to the caller; None when there is none.

        It is the one that has been due for longest: a receiver that fails, or takes a lot, goes behind the others.
        """
        webhooks = tables.webhooks
        due = (
            select(webhooks.c.id)
            .where(
                # As the index of what is due has it, which holds no other rows.
                webhooks.c.state == literal_column("'ACTIVE'"),
                webhooks.c.news > webhooks.c.position,
                webhooks.c.due_ms <= clock.now(),
                or_(webhooks.c.lease_until_ms <= clock.now(), presence.gone(webhooks.c.lease_holder)),
            )
            .order_by(webhooks.c.due_ms, webhooks.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(webhooks)
            .where(webhooks.c.id == due.scalar_subquery())
            .values(lease_holder=presence.holder(secrets.token_hex(16)), lease_until_ms=clock.now() + LEASE_MS)
            .returning(*webhooks.c)
        )
        while (row := connection.execute(statement).one_or_none()) is not None:
            try:
                return Leased(self._webhooks.load(row), row.lease_holder)
            except MarketError as error:
                # A damaged row rests until its lease ends, and must not keep the others waiting.
                _log.error("webhook %s cannot be read: %s", row.id, error)
        return None

    def renew(self, connection: Connection, leased: Leased) -> None:
        """Hold the lease for another while.

        Raises:
            LeaseLostError: it was lost.
        """
        self._change(connection, leased, lease_until_ms=clock.now() + LEASE_MS)

    def advance(self, connection: Connection, leased: Leased, position: int) -> Leased:
        """Record that the event ``position`` was taken.

        Raises:
            LeaseLostError: it was lost; the event will be told again.
        """
        return self._change(connection, leased, position=position, failures=0, last_error="")

    def fail(self, connection: Connection, leased: Leased, reason: str, *, gone: bool = False) -> Leased:
        """Record that the next event was not taken, and why; after too often, or when ``gone``, disable the webhook.

        Raises:
            LeaseLostError: it was lost.
        """
        failures = leased.hook.failures + 1
        values: dict[str, Any] = {"failures": failures, "last_error": reason}
        if gone or failures >= schedule.MOST_FAILURES:
            values |= {"state": HookState.DISABLED, "disabled_ms": clock.now()}
        else:
            values |= {"due_ms": clock.now() + schedule.rest_ms(failures)}
        return self._change(connection, leased, **values)

    def release(self, connection: Connection, leased: Leased) -> None:
        """Give the lease up; one that was lost is left alone."""
        webhooks = tables.webhooks
        held = (webhooks.c.id == leased.hook.id) & (webhooks.c.lease_holder == leased.holder)
        # Behind all that wait, unless it has failed and rests anyway.
        due = func.greatest(webhooks.c.due_ms, clock.now())
        values = {"lease_holder": None, "lease_until_ms": 0, "due_ms": due}
        connection.execute(update(webhooks).where(held).values(values))

    def _change(self, connection: Connection, leased: Leased, **values: Any) -> Leased:
        webhooks = tables.webhooks
        held = (webhooks.c.id == leased.hook.id) & (webhooks.c.lease_holder == leased.holder)
        row = connection.execute(update(webhooks).where(held).values(values).returning(*webhooks.c)).one_or_none()
        if row is None:
            raise LeaseLostError(leased.hook.id)
        return replace(leased, hook=self._webhooks.load(row))
