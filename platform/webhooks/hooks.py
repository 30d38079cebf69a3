"""The webhooks of an account: registered, shown and removed by the account alone."""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from countermark.platform.projection.locking import hold
from countermark.platform.store import channels, clock, tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, Row, delete, func, insert, select, tuple_, update
from countermark.platform.views import cursors, events
from countermark.platform.webhooks.addresses import AddressPolicy
from countermark.platform.webhooks.targets import Target
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError

MOST_PER_ACCOUNT = 10


class HookState(StrEnum):
    """Whether a webhook is delivered to."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an account wants to be told of its events, and how far it was told.

    ``position`` is the number of the last event that the receiver has taken, or that was the newest when the webhook
    was registered; ``news`` is that of the last one that concerns the account. ``failures`` counts how often the next
    one was tried in vain, ``last_error`` says why; ``due_ms`` is when it is tried again.
    """

    id: str
    account: str
    url: str = field(repr=False)
    state: HookState
    position: int
    news: int
    failures: int
    last_error: str
    due_ms: int
    created_ms: int
    disabled_ms: int | None


@dataclass(frozen=True, slots=True)
class HookPage:
    """Webhooks, the oldest first, and the cursor of the next page, "" on the last."""

    webhooks: tuple[Webhook, ...]
    cursor: str


class Webhooks:
    """Keeps webhooks. Methods run in the caller's transaction; another account's webhook does not exist for it."""

    def __init__(self, box: SecretBox, policy: AddressPolicy) -> None:
        self._box = box
        self._policy = policy

    def register(self, connection: Connection, account: str, url: str) -> tuple[Webhook, bool]:
        """Return the webhook of ``account`` at ``url``, and whether it is new.

        A new one tells what happens from now on. The same URL again is the same webhook; one that was disabled is
        tried again from where it stopped.

        Raises:
            MarketError: MALFORMED_REQUEST for a URL that nothing is delivered to, UNKNOWN_ACCOUNT, NOT_PERMITTED when
                the account has as many as it may.
        """
        target = self._check(url)
        # Whoever registers at the same moment for the same account waits: each counts, and finds, what is there.
        lock = func.hashtextextended(f"webhooks/{account}", 0)
        connection.execute(select(func.pg_advisory_xact_lock(lock)))
        accounts, webhooks = tables.accounts, tables.webhooks
        if connection.execute(select(accounts.c.address).where(accounts.c.address == account)).one_or_none() is None:
            raise MarketError(ErrorCode.UNKNOWN_ACCOUNT, "only an opened account has webhooks")
        own = connection.execute(select(webhooks).where(webhooks.c.account == account)).all()
        same = next((hook for hook in map(self.load, own) if hook.url == target.url), None)
        if same is not None:
            return self._enable(connection, same), False
        if len(own) >= MOST_PER_ACCOUNT:
            raise MarketError(ErrorCode.NOT_PERMITTED, f"an account has at most {MOST_PER_ACCOUNT} webhooks")
        return self._insert(connection, account, target), True

    def page(
        self, connection: Connection, account: str, *, cursor: str = "", limit: int = cursors.LONGEST_PAGE
    ) -> HookPage:
        """Return a page of the webhooks of ``account``.

        Raises:
            MarketError: MALFORMED_REQUEST for a cursor that cannot be.
        """
        webhooks = tables.webhooks
        query = select(webhooks).where(webhooks.c.account == account)
        if cursor:
            after = cursors.decode(cursor, fields.integer(0, 2**53 - 1), fields.text(64))
            query = query.where(tuple_(webhooks.c.created_ms, webhooks.c.id) > tuple_(*after))
        rows = connection.execute(query.order_by(webhooks.c.created_ms, webhooks.c.id).limit(limit + 1)).all()
        shown = tuple(map(self.load, rows[:limit]))
        return HookPage(shown, cursors.encode(shown[-1].created_ms, shown[-1].id) if len(rows) > limit else "")

    def find(self, connection: Connection, account: str, identifier: str) -> Webhook:
        """Return one webhook of ``account``.

        Raises:
            MarketError: NOT_FOUND.
        """
        webhooks = tables.webhooks
        mine = (webhooks.c.id == identifier) & (webhooks.c.account == account)
        row = connection.execute(select(webhooks).where(mine)).one_or_none()
        if row is None:
            raise _not_found()
        return self.load(row)

    def remove(self, connection: Connection, account: str, identifier: str) -> None:
        """Forget one webhook of ``account``; a delivery that is under way may still arrive.

        Raises:
            MarketError: NOT_FOUND.
        """
        webhooks = tables.webhooks
        mine = (webhooks.c.id == identifier) & (webhooks.c.account == account)
        if connection.execute(delete(webhooks).where(mine)).rowcount == 0:
            raise _not_found()

    def load(self, row: Row[Any]) -> Webhook:
        """Return the webhook in a row of the table."""
        return Webhook(
            id=row.id,
            account=row.account,
            url=self._box.open(bytes(row.url), context=_context(row.id)).decode(),
            state=HookState(row.state),
            position=row.position,
            news=row.news,
            failures=row.failures,
            last_error=row.last_error,
            due_ms=row.due_ms,
            created_ms=row.created_ms,
            disabled_ms=row.disabled_ms,
        )

    def _check(self, url: str) -> Target:
        target = Target.parse(url)
        if not self._policy.permits_port(target.port):
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "nothing is delivered to that port")
        # A name is judged when something is delivered, by the addresses that it has then.
        if target.is_address and not self._policy.permits(target.host, target.port):
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "nothing is delivered to that address")
        return target

    def _insert(self, connection: Connection, account: str, target: Target) -> Webhook:
        # What comes after the newest event finds this row, and marks it.
        hold(connection)
        identifier, newest = f"wh1{secrets.token_hex(16)}", events.newest(connection)
        statement = insert(tables.webhooks).values(
            id=identifier,
            account=account,
            url=self._box.seal(target.url.encode(), context=_context(identifier)),
            state=HookState.ACTIVE,
            position=newest,
            news=newest,
            failures=0,
            last_error="",
            due_ms=clock.now(),
            created_ms=clock.now(),
            lease_until_ms=0,
        )
        return self.load(connection.execute(statement.returning(*tables.webhooks.c)).one())

    def _enable(self, connection: Connection, hook: Webhook) -> Webhook:
        if hook.state is HookState.ACTIVE:
            return hook
        webhooks = tables.webhooks
        statement = (
            update(webhooks)
            .where(webhooks.c.id == hook.id)
            .values(state=HookState.ACTIVE, failures=0, due_ms=clock.now(), disabled_ms=None)
        )
        channels.notify(connection, channels.WEBHOOKS, hook.id)
        return self.load(connection.execute(statement.returning(*webhooks.c)).one())


def _context(identifier: str) -> str:
    return f"webhooks/{identifier}/url"


def _not_found() -> MarketError:
    return MarketError(ErrorCode.NOT_FOUND, "no webhook of yours has that id")
