"""Nonces of signed requests (RFC 9421): each may be used once, by all gateways on one database."""

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.postgresql import insert

from countermark.platform.store import clock
from countermark.platform.store.engine import Database
from countermark.platform.store.tables import request_nonces

_USE = insert(request_nonces).on_conflict_do_nothing()


def use(connection: Connection, account: str, nonce: str, *, expires_ms: int) -> bool:
    """Remember that `account` used `nonce` until `expires_ms`, and return False when it had done so before."""
    return connection.execute(_USE, {"account": account, "nonce": nonce, "expires_ms": expires_ms}).rowcount == 1


def forget_expired(database: Database) -> int:
    """Delete the nonces whose signatures have expired, and return how many they were.

    Raises:
        MarketError: DATABASE_UNAVAILABLE.
    """
    with database.begin() as connection:
        return connection.execute(delete(request_nonces).where(request_nonces.c.expires_ms < clock.now())).rowcount
