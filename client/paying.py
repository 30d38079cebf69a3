"""Payments for inquiries above the free quota: made when they are needed, and kept until they have been used."""

from dataclasses import dataclass, field

from countermark.client import account
from countermark.client.errors import GATEWAY_ANSWER, REFUSED_HERE, ClientError
from countermark.client.market import PENDING, Market
from countermark.client.vault import Vault
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError

_KIND = "payments"


@dataclass
class Paying:
    """Whoever asks and would pay for it. ``txid`` and ``amount`` tell what he has paid with, if anything."""

    market: Market
    vault: Vault = field(repr=False)
    txid: str = ""
    amount: int = 0

    def pay(self, refusal: ClientError, samples: int) -> str:
        """Return a transaction that pays what ``refusal`` asks for an inquiry about ``samples`` things.

        One that was made before, and bought no answer, is taken first.

        Raises:
            ClientError: ``refusal`` itself where money does not help, or nothing is to be changed; the gateway asks
                for more than it publishes; there is not enough money, or the payment has not committed yet.
        """
        price = _price(refusal)
        if price == 0 or self.market.dry_run:
            raise refusal
        _check(self.market, price, samples)
        for txid in self.vault.names(_KIND):
            kept = self.vault.get(_KIND, txid)
            if kept is not None and int(kept["amount"]) >= price:
                self.txid, self.amount = txid, int(kept["amount"])
                return txid
        done = account.transfer(self.market, self.market.config.platform.account, str(price))
        self.txid, self.amount = done.txid, price
        self.vault.put(_KIND, done.txid, {"amount": str(price)})
        if done.result.get("state") == PENDING:
            raise ClientError(
                REFUSED_HERE, "the payment is under way; ask again, and it is used once it has committed"
            )
        return done.txid

    def answered(self) -> None:
        """Take note that the payment has bought its answer."""
        if self.txid:
            self.vault.delete(_KIND, self.txid)

    def refused(self, error: ClientError) -> None:
        """Take note of why the inquiry was refused: a payment that does not count is not offered again."""
        if error.code == ErrorCode.PAYMENT_INVALID:
            self.answered()


def _price(refusal: ClientError) -> int:
    """Return what the gateway asks for in ``refusal``, 0 where it asks for nothing."""
    asked = (refusal.extra or {}).get("price")
    if refusal.code != ErrorCode.RATE_LIMITED or asked is None:
        return 0
    try:
        return int(fields.amount(asked))
    except MarketError as error:
        raise ClientError(GATEWAY_ANSWER, "the gateway asks for an amount that is none") from error


def _check(market: Market, price: int, samples: int) -> None:
    """Check that ``price`` is no more than what the gateway tells everybody, where it does."""
    published = market.http.get("/v1/market").get("search")
    if published is None:
        return
    try:
        most = int(fields.amount(published["price"])) * samples
    except (MarketError, KeyError, TypeError) as error:
        raise ClientError(GATEWAY_ANSWER, "the gateway's price of a search cannot be read") from error
    if price > most:
        raise ClientError(GATEWAY_ANSWER, f"the gateway asks {price} for what it publishes at {most}")
