"""Whether the process that holds a lease is still there: it is while the database has a connection of its name.

A lease that only time ends is short, and lost by whoever is slow, or long, and keeps everybody waiting for somebody
who has died. The server knows at once of a process that was killed. A machine that is cut off, or a process that
hangs, keeps its connections, and its leases until their time is over.
"""

from sqlalchemy import ColumnElement, and_, column, func, select, table

_ACTIVITY = table("pg_stat_activity", column("application_name"))
_MARK = "/"


def holder(token: str | ColumnElement[str]) -> ColumnElement[str]:
    """Return the SQL expression of the name under which this process holds a lease; `token` tells its own apart."""
    return _own_name().concat(_MARK).concat(token)


def gone(held_by: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Return the SQL condition that the process which holds a lease has no connection any more."""
    process = func.split_part(held_by, _MARK, 1)
    # A subquery that names no column of the lease: in ON CONFLICT it would look at the table and not at the row.
    connected = select(_ACTIVITY.c.application_name).where(_ACTIVITY.c.application_name.is_not(None))
    # Where not even our own connection is seen, the server has no whole picture of its connections yet.
    return and_(func.strpos(held_by, _MARK) > 0, process.not_in(connected), _own_name().in_(connected))


def _own_name() -> ColumnElement[str]:
    # The name that `engine.Database` gives to all connections of its process.
    return func.current_setting("application_name")
