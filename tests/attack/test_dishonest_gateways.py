"""A gateway that holds back, reorders, drops or replays what its traders hand in; any other one is as good."""

import pytest

from countermark.protocol import canonical
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode
from tests.support.backends import InMemory
from tests.support.market import BOND, EPOCH_S, PLATFORM, PRICE, SUPERVISOR, TRADER, Market, refused

NONCE = b64u(b"of the payment..")


def tick(market: Market) -> None:
    market.backend.wait(EPOCH_S)
    market.backend.submit(TRADER, "clock.tick")


@pytest.mark.parametrize("elsewhere", [False, True], ids=["nobody else acts", "his buyer goes to another gateway"])
def test_gateway_holds_back(market: Market, in_memory: InMemory, elsewhere: bool) -> None:
    """What was endorsed dies with the next epoch; so it cannot act months later, when its gateway likes."""
    trade = market.bring_to("MATCHED")
    token = market.sign(market.buyer, "trade.confirm", {"trade": trade})
    held = in_memory.hold(TRADER, "trade.confirm", token, "{}")
    tick(market)
    if elsewhere:
        assert market.send_token(token, "trade.confirm", msp=SUPERVISOR)["outcome"] == "confirmed"
    before = market.trade(trade)
    assert in_memory.release(held) == "MVCC_READ_CONFLICT"
    assert market.trade(trade) == before
    assert before["state"] == ("SETTLED" if elsewhere else "MATCHED")


@pytest.mark.parametrize("first", ["trade.pay", "intent.cancel"])
def test_gateway_reorders(market: Market, in_memory: InMemory, first: str) -> None:
    """A payment, and its buyer's second thought: whichever is ordered first, the other never has an effect."""
    address = market.list_data()["id"]
    coins = canonical.dumps(market.fund(market.buyer, PRICE + BOND)).decode()
    tokens = {
        "trade.pay": (market.sign(market.buyer, "trade.pay", market.pay_params(address), nonce=NONCE), coins),
        "intent.cancel": (market.sign(market.buyer, "intent.cancel", {"nonce": NONCE}), "{}"),
    }
    held = {function: in_memory.hold(TRADER, function, *arguments) for function, arguments in tokens.items()}
    order = sorted(held, key=lambda function: function != first)
    assert [in_memory.release(held[function]) for function in order] == ["VALID", "MVCC_READ_CONFLICT"]
    paid = first == "trade.pay"
    assert market.listing(address)["state"] == ("RESERVED" if paid else "LISTED")
    # Handed in again it is told how it ended, by whatever gateway.
    if paid:
        with refused(ErrorCode.INTENT_REPLAYED):
            in_memory.submit(SUPERVISOR, "intent.cancel", *tokens["intent.cancel"])
    else:
        with refused(ErrorCode.INTENT_CANCELLED):
            in_memory.submit(SUPERVISOR, "trade.pay", *tokens["trade.pay"])


def test_gateway_drops(market: Market) -> None:
    """Its trader loses no time but that of asking elsewhere, and what was dropped cannot be found again later."""
    address = market.list_data()["id"]
    coins = market.fund(market.buyer, PRICE + BOND)
    params = market.pay_params(address)
    dropped = market.sign(market.buyer, "trade.pay", params)
    kept = market.sign(market.buyer, "trade.pay", params, lifetime_s=600)
    trade = market.send_token(kept, "trade.pay", coins, msp=SUPERVISOR)["id"]
    market.act("trade.cancel", trade)
    assert market.balance(market.buyer) == PRICE + BOND
    back = {"coins": list(market.coins(market.buyer.address))}
    market.backend.wait(301)
    with refused(ErrorCode.INTENT_EXPIRED):
        market.send_token(dropped, "trade.pay", back)
    assert market.listing(address)["state"] == "LISTED"


def test_gateway_replays(market: Market, in_memory: InMemory) -> None:
    """The intent by each gateway, and the transaction itself: one effect."""
    token = market.sign(market.buyer, "coin.transfer", {"to": market.platform.address, "amount": "7"})
    coin, other = market.mint(market.buyer, 7), market.mint(market.buyer, 7)
    envelope = in_memory.hold(TRADER, "coin.transfer", token, canonical.dumps({"coins": [coin]}).decode())
    assert [in_memory.release(envelope) for _ in range(2)] == ["VALID", "DUPLICATE_TXID"]
    for msp in (PLATFORM, SUPERVISOR, TRADER):
        again = market.send_token(token, "coin.transfer", {"coins": [other]}, msp=msp)
        assert again.answer.get("replayed") is True
    assert (market.balance(market.platform), market.balance(market.buyer)) == (7, 7)
