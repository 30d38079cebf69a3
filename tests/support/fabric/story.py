"""A short market on native Fabric: founded, one contract listed, two buyers at once, one of them served."""

from collections.abc import Callable
from dataclasses import dataclass

from countermark.protocol import canonical
from tests.support.fabric.backend import Native
from tests.support.market import BOND, PRICE, TRADER, Market

CHANNEL = "market"


@dataclass(frozen=True)
class Story:
    """What happened: the contract's address, its trade, and the transaction of the buyer who came too late."""

    market: Market
    listing: str
    trade: str
    late: str


def tell(backend: Native, ready: Callable[[], None]) -> Story:
    """Found a market on `backend`, call `ready`, and have a contract sold from registration to confirmation."""
    market = Market(backend)
    ready()
    listing = market.list_data()["id"]
    payments = []
    for buyer in (market.buyer, market.stranger):
        coins = market.fund(buyer, PRICE + BOND)
        token = market.sign(buyer, "trade.pay", market.pay_params(listing))
        payments.append(backend.hold(TRADER, "trade.pay", token, canonical.dumps(coins).decode()))
    _, (_, late) = payments
    assert [backend.release(payment) for payment in payments] == ["VALID", "MVCC_READ_CONFLICT"]
    trade_id = market.listing(listing)["trade"]
    for function in ("trade.charge", "trade.send", "trade.relay", "trade.confirm"):
        market.act(function, trade_id)
    return Story(market, listing, trade_id, late.tx_id)
