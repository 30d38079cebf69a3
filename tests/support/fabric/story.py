"""A short market on native Fabric: founded, one contract listed, two buyers at once, one of them served."""

from collections.abc import Callable
from dataclasses import dataclass

from countermark.protocol import canonical
from tests.support.fabric.backend import Native
from tests.support.market import BOND, FEE, PRICE, TRADER, Actor, Market

CHANNEL = "market"


@dataclass(frozen=True)
class Story:
    """What happened: the contract's address, its trade, and the transaction of the buyer who came too late."""

    market: Market
    listing: str
    trade: str
    late: str


class Founded(Market):
    """A market whose accounts are opened in one block."""

    def __init__(self, backend: Native) -> None:
        self.native = backend
        super().__init__(backend)

    @property
    def members(self) -> tuple[Actor, ...]:
        """Those who have accounts from the start: nobody has to decide here."""
        deciders = (self.arbiter, self.substitute)
        return tuple(who for who in super().members if who not in deciders)

    def open_accounts(self) -> None:
        with self.native.together():
            super().open_accounts()


def tell(backend: Native, ready: Callable[[], None]) -> Story:
    """Found a market on `backend`, call `ready`, and have a contract sold from registration to confirmation."""
    market = Founded(backend)
    ready()
    buyers = (market.buyer, market.stranger)
    with backend.together():
        listing = market.list_data()["id"]
        prices = [market.fund(buyer, PRICE + BOND) for buyer in buyers]
        fee = market.fund(market.seller, FEE + BOND)
    payments = []
    for buyer, coins in zip(buyers, prices, strict=True):
        token = market.sign(buyer, "trade.pay", market.pay_params(listing))
        payments.append(backend.hold(TRADER, "trade.pay", token, canonical.dumps(coins).decode()))
    paid, late = backend.finish_all(payments)
    assert (paid.code_name, late.code_name) == ("VALID", "MVCC_READ_CONFLICT")
    trade_id = market.listing(listing)["trade"]
    charge = {"trade": trade_id, "fee": str(FEE), "bond": str(BOND)}
    market.ask(market.seller, "trade.charge", charge, fee)
    for function in ("trade.send", "trade.relay", "trade.confirm"):
        market.act(function, trade_id)
    return Story(market, listing, trade_id, late.tx_id)
