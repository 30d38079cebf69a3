"""An account on the market: opening it, and money from its issuer."""

from typing import Any

from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.protocol.money import parse_amount


def open_account(market: Market, keys: Keys) -> Done:
    """Register the account and its encryption key on the ledger (R8)."""
    version, key = keys.current_encryption
    params = {"encryption_key": {"version": version, "key": key.public}}
    return market.act("/v1/accounts", "account.open", params)


def fund(market: Market, amount: str, reference: str) -> Done:
    """Ask the issuer for ``amount`` (decimal minor units) against the deposit ``reference``, which works once."""
    body = {"amount": amount, "reference": reference}
    return market.post(f"/v1/accounts/{market.address}/fund", body)


def balance(market: Market) -> int:
    """Return the minor units in the account's unspent coins."""
    return parse_amount(coins(market).get("balance"), zero=True)


def show(market: Market) -> dict[str, Any]:
    """Return the account as it stands on the ledger, with its balance."""
    record: dict[str, Any] = market.http.get(f"/v1/accounts/{market.address}")
    return {**record, "balance": str(balance(market))}


def coins(market: Market) -> dict[str, Any]:
    """Return the account's unspent coins."""
    resource: dict[str, Any] = market.http.get(f"/v1/accounts/{market.address}/coins")
    return resource


def transfer(market: Market, to: str, amount: str) -> Done:
    """Pay ``amount`` (decimal minor units) to the account ``to``."""
    return market.act(f"/v1/accounts/{market.address}/transfers", "coin.transfer", {"to": to, "amount": amount})
