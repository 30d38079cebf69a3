"""Random operations on a market, good and bad: no money appears or is lost, nothing is written by a refusal."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from countermark.chaincode import state as layout
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.settlement import Part, payouts
from countermark.protocol.transitions import ACTS, Actor, Outcome, TradeState, find_default
from tests.support.backends import InMemory
from tests.support.market import BOND, DEADLINE_S, EPOCH_S, GUARD_S, PRICE, TRADER, Market

WALKS = int(os.environ.get("COUNTERMARK_MODEL_WALKS", "2000"))
MARKETS = int(os.environ.get("COUNTERMARK_MODEL_MARKETS", "25"))
STEPS = 50

FUNCTIONS = sorted({act.function for act in ACTS})
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "trade.ack": [{"verdict": verdict} for verdict in ("match", "altered", "bad")],
    "trade.check": [{"result": result} for result in ("match", "mismatch")],
    "trade.dispute": [{"reason": reason} for reason in ("mismatch", "undecryptable", "unavailable")],
}
CALLS = [(function, changes) for function in FUNCTIONS for changes in ARGUMENTS.get(function, [{}])]
PARTIES = ("seller", "buyer", "stranger", "platform")


class MarketMachine(RuleBasedStateMachine):
    """A market in memory; what is refused must have changed nothing, which its backend asserts."""

    listings: Bundle[str] = Bundle("listings")
    trades: Bundle[str] = Bundle("trades")

    def __init__(self) -> None:
        super().__init__()
        self.backend = InMemory()
        self.market = Market(self.backend)
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.listed = 0

    def attempt(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except MarketError as error:
            if error.code in (ErrorCode.INTERNAL, ErrorCode.LEDGER_UNAVAILABLE):
                raise
            return None

    def send(self, name: str, function: str, params: dict[str, Any], coins: dict[str, Any]) -> Any:
        who = getattr(self.market, name)
        token = self.market.sign(who, function, params)
        self.sent.append((token, function, coins))
        return self.attempt(lambda: self.market.send_token(token, function, coins, msp=who.msp))

    @rule(target=listings, name=st.sampled_from(("seller", "buyer")))
    def list_something(self, name: str) -> str:
        self.listed += 1
        listing_id: str = self.market.list_data(getattr(self.market, name), b"%d" % self.listed)["id"]
        return listing_id

    @rule(target=trades, listing=listings, name=st.sampled_from(PARTIES), short_by=st.sampled_from((0, 0, 0, 1)))
    def pay(self, listing: str, name: str, short_by: int) -> Any:
        params = self.market.pay_params(listing)
        coins = self.market.fund(getattr(self.market, name), PRICE + BOND - short_by)
        done = self.send(name, "trade.pay", params, coins)
        return done["id"] if done else multiple()

    @rule(trade=trades, call=st.sampled_from(CALLS), name=st.sampled_from(PARTIES))
    def act(self, trade: str, call: tuple[str, dict[str, Any]], name: str) -> None:
        function, changes = call
        params = {"trade": trade, **self.market._usual(function, trade), **changes}
        coins = self.market.fund(getattr(self.market, name), 750) if function == "trade.charge" else {}
        self.send(name, function, params, coins)

    @rule(trade=trades)
    def step_forward(self, trade: str) -> None:
        """Take the first act that the table offers, so that long paths are walked often."""
        record = self.market.trade(trade)
        act = next((act for act in ACTS if act.source == record["state"] and act.function != "trade.cancel"), None)
        if act is not None:
            changes = next((changes for function, changes in CALLS if function == act.function), {})
            self.attempt(lambda: self.market.act(act.function, trade, **changes))

    @rule(trade=trades)
    def enforce(self, trade: str) -> None:
        self.attempt(lambda: self.market.enforce(trade))

    @rule(seconds=st.sampled_from((1, EPOCH_S, DEADLINE_S, DEADLINE_S + GUARD_S, 400)))
    def wait(self, seconds: int) -> None:
        self.backend.wait(seconds)
        self.attempt(lambda: self.backend.submit(TRADER, "clock.tick"))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """Send an old intent again through another gateway: it repeats its outcome or is refused."""
        token, function, coins = data.draw(st.sampled_from(self.sent))
        before = self.backend.ledger.state
        done = self.attempt(lambda: self.market.send_token(token, function, coins, msp="SupervisorMSP"))
        if done is not None and done.answer.get("replayed"):
            assert self.backend.ledger.state == before

    @rule(payer=st.sampled_from(PARTIES), payee=st.sampled_from(PARTIES), amount=st.integers(1, 3 * PRICE))
    def transfer(self, payer: str, payee: str, amount: int) -> None:
        coins = list(self.market.coins(getattr(self.market, payer).address))[:2]
        params = {"to": getattr(self.market, payee).address, "amount": str(amount)}
        self.send(payer, "coin.transfer", params, {"coins": coins})

    @rule(trade=trades, thief=st.sampled_from(PARTIES))
    def spend_the_escrow(self, trade: str, thief: str) -> None:
        coins = list(self.market.coins(f"trade/{trade}"))[:1]
        params = {"to": getattr(self.market, thief).address, "amount": "1"}
        assert self.send(thief, "coin.transfer", params, {"coins": coins}) is None

    @rule(trade=consumes(trades))
    def run_out(self, trade: str) -> None:
        """Let only deadlines act from here on."""
        for _ in TradeState:
            if self.market.trade(trade)["deadline"]:
                self.market.expire()
                self.market.enforce(trade)
        assert TradeState(self.market.trade(trade)["state"]).final

    @invariant()
    def money_is_conserved_and_never_negative(self) -> None:
        amounts = [int(coin["amount"]) for coin in self._records("coin/").values()]
        assert all(amount > 0 for amount in amounts)
        assert sum(amounts) == self.market.minted

    @invariant()
    def escrow_is_what_the_trades_say(self) -> None:
        held = {
            coin_id: coin["amount"]
            for coin_id, coin in self._records("coin/").items()
            if coin["owner"].startswith("trade/")
        }
        said = {
            entry["coin"]: entry["amount"] for trade in self._records("trade/").values() for entry in trade["escrow"]
        }
        assert held == said

    @invariant()
    def no_state_is_without_exit(self) -> None:
        for trade in self._records("trade/").values():
            final = TradeState(trade["state"]).final
            assert bool(trade["deadline"]) is not final
            assert bool(trade["outcome"]) is final
            assert bool(trade["escrow"]) is not final

    @invariant()
    def contract_is_reserved_for_exactly_its_running_trade(self) -> None:
        running = {
            trade["listing"]: trade_id
            for trade_id, trade in self._records("trade/").items()
            if not TradeState(trade["state"]).final
        }
        for address, listing in self._records("listing/").items():
            assert listing["trade"] == running.get(address, "")
            assert (listing["state"] == "RESERVED") is (address in running)

    def _records(self, prefix: str) -> dict[str, Any]:
        return {
            key[len(prefix) :]: layout.decode(value)
            for key, value in self.backend.ledger.state.items()
            if key.startswith(prefix)
        }


TestMarket = MarketMachine.TestCase
TestMarket.settings = settings(
    max_examples=MARKETS, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)


@given(
    st.lists(st.integers(0, 7), max_size=STEPS),
    st.integers(0, 2**62),
    st.integers(0, 2**40),
    st.integers(0, 2**40),
    st.booleans(),
)
@settings(max_examples=WALKS, deadline=None)
def test_walk_over_the_table_ends_with_all_money_paid_out(
    choices: list[int], price: int, bond: int, arbiter_fee: int, settle: bool
) -> None:
    """The rules alone: any walk of acts and deadlines, then deadlines to the end; what is held is what is paid."""
    state, outcome = TradeState.PAID, Outcome.NONE
    decider: Actor | None = None
    held = {Part.PRICE: price, Part.BUYER_BOND: bond}
    for choice in [*choices, *[7] * len(TradeState)]:
        if state.final:
            break
        default = find_default(state, decider)
        assert default is not None, "no state without exit"
        acts = [act for act in ACTS if act.source is state]
        if choice < len(acts):
            if acts[choice].function == "trade.charge":
                held |= {Part.FEE: price // 40, Part.SELLER_BOND: bond}
            state, outcome = acts[choice].target, acts[choice].outcome
            decider = Actor.ARBITER if state is TradeState.EVIDENCED else None
        else:
            undecided = TradeState.SETTLED if settle else TradeState.REFUNDED
            decider = Actor.SUBSTITUTE if default.target is TradeState.EVIDENCED else None
            state, outcome = default.target or undecided, default.outcome
    assert state.final
    paid = payouts(held, state, outcome, arbiter_fee=arbiter_fee)
    assert sum(paid.values()) == sum(held.values())
    assert all(amount > 0 for amount in paid.values())
