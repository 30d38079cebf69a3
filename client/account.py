"""An account on the market: opening it, and money from its issuer."""

from countermark.client.keystore import Keys
from countermark.client.market import Done, Market


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
    return int(market.http.get(f"/v1/accounts/{market.address}/coins")["balance"])
