"""Coarse limits on requests that change something: so many in a minute from one address, and by one account.

An address is counted before anything of its request is read; loopback is not, where a proxy of this machine would
stand for everybody. An account is counted for what it has verifiably asked for, and once for each intent however
often that comes: whoever sends somebody else's intents again uses up nothing of his. Counts stand in the database, so
they hold for all gateways on it. Of an address only a keyed digest is kept, and for a day.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from countermark.platform.store.engine import Database
from countermark.platform.store.quotas import Quota

WINDOW_MS = 60_000

_SITE_BITS = 64
"""Of an IPv6 address: whoever has one has all that begin with the same bits."""


@dataclass(frozen=True)
class Limits:
    """Most writes in a minute."""

    account: int = 600
    address: int = 3_000

    @property
    def of_account(self) -> Quota:
        """The limit on one account."""
        return Quota("writes", most=self.account, window_ms=WINDOW_MS)

    @property
    def of_address(self) -> Quota:
        """The limit on one address."""
        return Quota("writes_from_address", most=self.address, window_ms=WINDOW_MS)


class AddressLimit:
    """Counts the requests that change something by where they come from."""

    def __init__(self, database: Database, quota: Quota, *, key: bytes, clock: Callable[[], int]) -> None:
        """``key`` keeps the addresses from whoever reads the table; ``clock`` gives the time, ms since the epoch."""
        self._database = database
        self._quota = quota
        self._key = key
        self._clock = clock

    def spend(self, remote: str) -> None:
        """Count one request from the IP address ``remote``; what is none, as with a Unix socket, is not counted.

        Raises:
            RateLimitedError: too many came from there.
            MarketError: DATABASE_UNAVAILABLE.
        """
        site = _site(remote)
        if site is None:
            return
        name = hmac.digest(self._key, site.encode(), sha256).hex()
        with self._database.autocommit() as connection:
            self._quota.spend(connection, name, now_ms=self._clock())


def _site(remote: str) -> str | None:
    """Return the network that is counted as one, None for what is not counted."""
    try:
        address = ip_address(remote)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), _SITE_BITS), strict=False))
    return str(address)
