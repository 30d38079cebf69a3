"""A trader in this process who reaches a whole platform by its URL: the client's parts without the command line."""

import secrets
import time
from pathlib import Path
from typing import Any, Protocol

from countermark.client import account, deliveries, listings, purchases, receiving, trades
from countermark.client.errors import ClientError
from countermark.client.http import Http
from countermark.client.keystore import Keys
from countermark.client.market import Market
from countermark.client.vault import Vault
from countermark.protocol.errors import ErrorCode

PATIENCE_S = 60
"""How long a gateway may need, on a busy machine, for a block that another one has."""

_UNKNOWN = (ErrorCode.UNKNOWN_LISTING, ErrorCode.UNKNOWN_TRADE)


class Gateway(Protocol):
    """What a trader must know of a gateway, the platform's or a member's."""

    @property
    def url(self) -> str: ...

    @property
    def ca_file(self) -> Path: ...


class RemoteTrader:
    """An account that is opened and funded with `money` minor units; its files lie in `folder`."""

    def __init__(self, platform: Gateway, folder: Path, money: int) -> None:
        folder.mkdir()
        self.folder = folder
        self.keys = Keys.generate()
        self.vault = Vault(folder / "vault", self.keys.vault)
        self._platform = platform
        self._connect()
        account.open_account(self.market, self.keys)
        if money:
            account.fund(self.market, str(money), secrets.token_hex(8))

    def reopen(self) -> None:
        """Forget everything but what lies in the home, as a process that was ended and started again has."""
        self.close()
        self._connect()

    def close(self) -> None:
        """Close the connections to the gateway."""
        self.http.close()

    def _connect(self) -> None:
        key = self.keys.account
        self.http = Http(self._platform.url, ca_file=str(self._platform.ca_file), key=key)
        self.market = Market(self.http, key, vault=self.vault)

    def balance(self) -> int:
        return account.balance(self.market)

    def put_on_market(self, file: Path, price: int) -> str:
        made = listings.create(self.market, self.vault, file, listings.Terms(price, {}), listings.Words())
        listing = str(made.result["id"])
        listings.charge(self.market, listing)
        return listing

    def buy(self, listing: str) -> str:
        return str(purchases.buy(self.market, self.vault, listing).result["id"])

    def trade(self, trade: str) -> dict[str, Any]:
        resource: dict[str, Any] = self.http.get(f"/v1/trades/{trade}")
        return resource

    def await_known(self, path: str) -> None:
        """Ask until this trader's gateway has what another one's has: each follows the ledger by itself."""
        patient_until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.http.get(path)
            except ClientError as error:
                if error.code not in _UNKNOWN or time.monotonic() > patient_until:
                    raise
                time.sleep(0.1)  # between two looks at what may come any moment
            else:
                return

    def deliver(self, trade: str) -> None:
        deliveries.charge(self.market, self.trade(trade))
        deliveries.send(self.market, self.keys, self.vault, self.trade(trade), self.folder)

    def take(self, trade: str, out: Path) -> None:
        received = receiving.fetch(self.market, self.vault, self.trade(trade), out, self.folder / "downloads")
        purchases.acknowledge(self.market, self.keys, self.vault, self.trade(trade), received)

    def confirm(self, trade: str) -> None:
        purchases.confirm(self.market, trade)


def sell(seller: RemoteTrader, buyer: RemoteTrader, file: Path, price: int, out: Path) -> str:
    """Have `buyer` buy `file` of `seller` as `out`, and return the trade once it is settled."""
    listing = seller.put_on_market(file, price)
    buyer.await_known(f"/v1/listings/{listing}")
    trade = buyer.buy(listing)
    seller.await_known(f"/v1/trades/{trade}")
    seller.deliver(trade)
    trades.await_state(buyer.market, trade, frozenset({"SENT"}))
    buyer.take(trade, out)
    trades.await_state(buyer.market, trade, frozenset({"MATCHED"}))
    buyer.confirm(trade)
    return trade
