"""The database's clock: one for all processes that share leases and reservations."""

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, select


def now() -> ColumnElement[int]:
    """Return the SQL expression of the present time in ms since the epoch, the same for a whole statement."""
    return cast(func.floor(func.extract("epoch", func.statement_timestamp()) * 1000), BigInteger)


def now_ms(connection: Connection) -> int:
    """Return the present time in ms since the epoch."""
    return connection.execute(select(now())).scalar_one()
