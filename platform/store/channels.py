"""Names of the notification channels; a payload only says that there is something new to read."""

from sqlalchemy import Connection, bindparam, func, select

BLOCKS = "blocks"
"""A block was applied; the payload is its number."""

OUTBOX = "outbox"
"""A request to the ledger has come to an end; the payload is its id."""

WORK = "work"
"""There is something for the workers to do that no block tells of; the payload is the id of what it is about."""

WEBHOOKS = "webhooks"
"""There is something to be told to receivers; the payload is the id of a webhook, or the last event's number."""

_NOTIFY = select(func.pg_notify(bindparam("channel"), bindparam("payload")))


def notify(connection: Connection, channel: str, payload: str) -> None:
    """Wake whoever listens on `channel` when the caller's transaction commits."""
    connection.execute(_NOTIFY, {"channel": channel, "payload": payload})
