"""Marks the webhooks of the accounts that a block concerns, so that whoever delivers looks at no others."""

from countermark.platform.store import channels, tables
from countermark.platform.store.sql import Connection, func, select, update


def mark_webhooks(connection: Connection, first: int, end: int) -> None:
    """Note in each webhook the last of the events from ``first`` to before ``end`` that concerns its account."""
    events, webhooks = tables.events, tables.webhooks
    newest = (
        select(func.unnest(events.c.parties).label("account"), events.c.seq)
        .where(events.c.seq >= first, events.c.seq < end)
        .subquery()
    )
    concerned = (
        select(newest.c.account, func.max(newest.c.seq).label("seq")).group_by(newest.c.account).subquery("concerned")
    )
    marked = connection.execute(
        update(webhooks)
        # When the tables are rebuilt, old blocks come again: they hold up nobody who delivers.
        .where(webhooks.c.account == concerned.c.account, webhooks.c.news < concerned.c.seq)
        .values(news=concerned.c.seq)
    )
    if marked.rowcount:
        channels.notify(connection, channels.WEBHOOKS, str(end - 1))
