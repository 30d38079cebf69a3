"""The market configuration in force, from the projection."""

from countermark.platform.store import tables
from countermark.platform.store.sql import Connection, select
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig

_NEWEST = select(tables.market_versions.c.record).order_by(tables.market_versions.c.version.desc()).limit(1)


def load_market(connection: Connection) -> MarketConfig:
    """Return the configuration of the highest version.

    Raises:
        MarketError: MARKET_MISSING before `market.init` has committed.
    """
    row = connection.execute(_NEWEST).one_or_none()
    if row is None:
        raise MarketError(ErrorCode.MARKET_MISSING, "the market is not open yet")
    return MarketConfig.from_json(row.record)
