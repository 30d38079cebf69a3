"""What the supervisor orders of a contract, a legal hold and its end: by his own organisation's client."""

from collections.abc import Callable
from typing import Protocol

from countermark.client.market import Done, now_ms
from countermark.protocol import actions, ids, intents
from countermark.protocol.accounts import AccountKey
from countermark.protocol.market import MarketConfig


class Ledger(Protocol):
    """The supervisor's own way to the ledger: no gateway stands between, or learns of an order before it is given."""

    @property
    def market(self) -> str:
        """Channel/chaincode."""
        ...

    @property
    def config(self) -> MarketConfig:
        """The market configuration in force."""
        ...

    def submit(self, function: str, token: str) -> Done:
        """Have the intent of ``token`` endorsed and ordered, and return it when it has committed."""
        ...


def hold(ledger: Ledger, key: AccountKey, listing: str, now: Callable[[], int] = now_ms) -> Done:
    """Order that nothing be deleted of ``listing`` and its trades.

    Raises:
        MarketError: UNKNOWN_LISTING for what is no listing's address.
        ClientError: ``key`` is not the supervisor's, there is such an order, or the peer does not answer.
    """
    return _order(ledger, key, "listing.hold", listing, now)


def release(ledger: Ledger, key: AccountKey, listing: str, now: Callable[[], int] = now_ms) -> Done:
    """Take such an order back.

    Raises:
        MarketError, ClientError: as `hold`.
    """
    return _order(ledger, key, "listing.release", listing, now)


def _order(ledger: Ledger, key: AccountKey, function: str, listing: str, now: Callable[[], int]) -> Done:
    token = intents.sign(
        key,
        market=ledger.market,
        action=function,
        params={"listing": ids.parse_listing(listing)},
        issued_at_ms=now(),
        lifetime_s=min(intents.LIFETIME_S, actions.longest_s(function, ledger.config)),
    )
    return ledger.submit(function, token)
