"""An account on the market: opening it, and money from its issuer."""

import secrets
from collections.abc import Iterator
from typing import Any

from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.client.unanswered import Posting
from countermark.protocol.money import parse_amount


def open_account(market: Market, keys: Keys) -> Done:
    """Register the account and its encryption key on the ledger (R8)."""
    version, key = keys.current_encryption
    params = {"encryption_key": {"version": version, "key": key.public}}
    return market.act("/v1/accounts", "account.open", params, entity=keys.address)


def fund(market: Market, amount: str, reference: str = "") -> Done:
    """Ask the issuer for ``amount`` (decimal minor units) against the deposit ``reference``, which works once.

    Without one, a new one is made; it is the entity of what is returned.
    """

    def make() -> Posting:
        deposit = reference or f"deposit-{secrets.token_hex(8)}"
        body = {"amount": amount, "reference": deposit}
        return market.posting(f"/v1/accounts/{market.address}/fund", body, entity=deposit)

    return market.perform(("fund", amount, reference), make)


def balance(market: Market) -> int:
    """Return the minor units in the account's unspent coins."""
    return parse_amount(market.http.get(_coins(market)).get("balance"), zero=True)


def show(market: Market) -> dict[str, Any]:
    """Return the account as it stands on the ledger, with its balance."""
    record: dict[str, Any] = market.http.get(f"/v1/accounts/{market.address}")
    return {**record, "balance": str(balance(market))}


def coins(market: Market) -> Iterator[dict[str, Any]]:
    """Yield the account's unspent coins, each with its id and its amount in decimal minor units."""
    return market.pages(_coins(market), items="coins")


def _coins(market: Market) -> str:
    return f"/v1/accounts/{market.address}/coins"


def transfer(market: Market, to: str, amount: str) -> Done:
    """Pay ``amount`` (decimal minor units) to the account ``to``."""
    return market.act(f"/v1/accounts/{market.address}/transfers", "coin.transfer", {"to": to, "amount": amount})


def conduct(market: Market, address: str = "") -> dict[str, Any]:
    """Return how the trades of ``address``, by default this account's, have ended, counted from the ledger.

    Raises:
        ClientError: there is no such account.
    """
    found: dict[str, Any] = market.http.get(f"/v1/accounts/{address or market.address}/conduct")
    return found
