"""One holder at a time for each job, over all workers: a row that its holder renews (the clock is the database's)."""

from dataclasses import dataclass

from sqlalchemy import case, or_
from sqlalchemy.dialects.postgresql import insert

from countermark.platform.store import clock
from countermark.platform.store.engine import Database
from countermark.platform.store.tables import leases


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was held when it was returned.

    Attributes:
        fence: Rises with every change of holder; what is written under an older fence is out of date.
    """

    name: str
    holder: str
    fence: int


def acquire(database: Database, name: str, *, holder: str, duration_ms: int) -> Lease | None:
    """Take or renew the lease `name` for `duration_ms`; None while another holder has it.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    until = clock.now() + duration_ms
    statement = (
        insert(leases)
        .values(name=name, holder=holder, until_ms=until, fence=1)
        .on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={
                "holder": holder,
                "until_ms": until,
                "fence": case((leases.c.holder == holder, leases.c.fence), else_=leases.c.fence + 1),
            },
            where=or_(leases.c.holder == holder, leases.c.until_ms <= clock.now()),
        )
        .returning(leases.c.fence)
    )
    with database.begin() as connection:
        fence = connection.execute(statement).scalar_one_or_none()
    return None if fence is None else Lease(name, holder, fence)


def release(database: Database, lease: Lease) -> None:
    """Give the lease up; one that another has taken meanwhile is left alone.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    held = (leases.c.name == lease.name) & (leases.c.holder == lease.holder) & (leases.c.fence == lease.fence)
    with database.begin() as connection:
        connection.execute(leases.update().where(held).values(until_ms=0))
