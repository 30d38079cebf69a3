"""One holder at a time for each job, over all workers: a row that its holder renews (the clock is the database's).

It ends by time, or with the process of its holder (`presence`).

A lease saves work and guards nothing: what its holder has begun may outlast it. So whatever is done under one must be
harmless when two do it at once (`jobs.leased`).
"""

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert

from countermark.platform.store import clock, presence
from countermark.platform.store.engine import Database
from countermark.platform.store.tables import leases


def acquire(database: Database, name: str, *, holder: str, duration_ms: int) -> bool:
    """Take or renew the lease `name` for `duration_ms`; False while another holder that lives has it.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    own = presence.holder(holder)
    values = {"holder": own, "until_ms": clock.now() + duration_ms}
    statement = (
        insert(leases)
        .values(name=name, **values)
        .on_conflict_do_update(
            index_elements=[leases.c.name],
            set_=values,
            where=or_(leases.c.holder == own, leases.c.until_ms <= clock.now(), presence.gone(leases.c.holder)),
        )
    )
    with database.autocommit() as connection:
        return connection.execute(statement).rowcount == 1


def release(database: Database, name: str, *, holder: str) -> None:
    """Give the lease up; one that another has taken meanwhile is left alone.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    held = (leases.c.name == name) & (leases.c.holder == presence.holder(holder))
    with database.autocommit() as connection:
        connection.execute(leases.update().where(held).values(until_ms=0))
