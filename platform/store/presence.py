"""Whether the process that holds a lease is still there: it is while the database has a connection of its name.

A lease that only time ends is short, and lost by whoever is slow, or long, and keeps everybody waiting for somebody
who has died. The server knows at once of a process that was killed. A machine that is cut off, or a process that
hangs, keeps its connections, and its leases until their time is over.
"""

from sqlalchemy import ColumnElement, and_, column, exists, func, not_, select, table

_ACTIVITY = table("pg_stat_activity", column("application_name"))
_MARK = "/"


def holder(token: str) -> ColumnElement[str]:
    """Return the SQL expression of the name under which this process holds a lease; `token` tells its own apart."""
    return _own_name().concat(_MARK + token)


def gone(held_by: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Return the SQL condition that the process which holds a lease has no connection any more."""
    # Where not even our own connection is seen, the server has no whole picture of its connections yet.
    return and_(
        func.strpos(held_by, _MARK) > 0,
        not_(_connected(func.split_part(held_by, _MARK, 1))),
        _connected(_own_name()),
    )


def _own_name() -> ColumnElement[str]:
    # The name that `engine.Database` gives to all connections of its process.
    return func.current_setting("application_name")


def _connected(name: ColumnElement[str]) -> ColumnElement[bool]:
    return exists(select(_ACTIVITY.c.application_name).where(_ACTIVITY.c.application_name == name))
