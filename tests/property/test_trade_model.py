"""Random operations on a market, good and bad: no money appears or is lost, nothing is written by a refusal."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from countermark.audit.acts import Act as Judged
from countermark.protocol import canonical
from countermark.protocol.claims import CLAIM_ACTS, CLAIM_DEFAULTS, ClaimAct, ClaimDefault, Claimed, ClaimState
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.settlement import Part, payouts
from countermark.protocol.transitions import (
    ACTS,
    DEFAULTS,
    Act,
    Actor,
    Decision,
    Default,
    Outcome,
    TradeState,
    argument_of,
    find_default,
)
from tests.support.backends import InMemory
from tests.support.figures import show
from tests.support.forked_market import fork, unsigned
from tests.support.market import BOND, CLAIM_DEPOSIT, DEADLINE_S, EPOCH_S, GUARD_S, PLATFORM, PRICE, TRADER, anything
from tests.support.sizes import size

WALKS = size(2_000, 50_000)
STEPS = 50
MARKETS = WALKS * 5 // 4
"""Some walks end early; together they take as many steps as `WALKS` of `STEPS`."""

ARGUMENT = {"trade.ack": "verdict", "trade.check": "result", "trade.dispute": "reason", "trade.decide": "decision"}
"""The parameter of a function by which the table tells its acts apart."""
MOST = max(Counter(act.source for act in ACTS).values())
"""Acts of the state that has most."""
CHOICE = st.tuples(st.integers(0, 3), st.integers(0, 11))
"""Of a function that is possible in a state, and of one of its arguments."""
CALLS = sorted({(act.function, act.argument) for act in ACTS})
PARTIES = ("seller", "buyer", "stranger", "platform", "arbiter")
TRADERS = PARTIES[:3]
VERBS = ("offer", "withdraw", "relist")
LIFETIME_S = 300


def choice_of(function: str, argument: str) -> dict[str, str]:
    # What is supplied by the arbiter is found to be delivered, in a dispute that said it was unavailable.
    return {ARGUMENT[function]: "delivered" if argument == "supplied" else argument} if argument else {}


def is_of(signer: str, trade: Mapping[str, Any], role: Actor) -> bool:
    """Return whether ``signer`` has that role in the trade of a record."""
    holder = trade[role]
    return bool(signer == (holder["account"] if isinstance(holder, dict) else holder))


class Watched(InMemory):
    """Counts how often each arrow of a trade's and a claim's state machine is taken."""

    taken: ClassVar[Counter[Act | Default | ClaimAct | ClaimDefault]] = Counter()
    """By all markets of this run."""

    def audited(self, act: Judged, state: Mapping[str, bytes]) -> None:
        if act.function.startswith("claim."):
            self._audited_claim(act, state)
            return
        key = next((key for key in act.writes if key.startswith("trade/")), "")
        written = act.writes.get(key)
        if key not in state or written is None:
            return
        before, after = canonical.loads(state[key]), canonical.loads(written)
        way = before["state"], after["state"], after["outcome"]
        if act.function == "trade.enforce":
            self.taken.update(one for one in DEFAULTS if way == (one.source, one.target or way[1], one.outcome))
            return
        argument = act.params.get(ARGUMENT.get(act.function, ""), "")
        if act.function == "trade.decide":
            argument = argument_of(argument, before["dispute"]["reason"])
        called = act.function, argument
        self.taken.update(
            one
            for one in ACTS
            if (way, called) == ((one.source, one.target, one.outcome), (one.function, one.argument))
            and is_of(act.signer, before, one.actor)
        )

    def _audited_claim(self, act: Judged, state: Mapping[str, bytes]) -> None:
        key = next(key for key in act.writes if key.startswith("claim/"))
        if key not in state:
            return
        before, after = canonical.loads(state[key]), canonical.loads(act.writes[key] or b"")
        way = before["state"], after["state"], after["outcome"]
        arrows = (*CLAIM_ACTS, *CLAIM_DEFAULTS.values())
        self.taken.update(
            one
            for one in arrows
            if way == (one.source, one.target, one.outcome)
            and act.function == (one.function if isinstance(one, ClaimAct) else "claim.enforce")
        )


class MarketMachine(RuleBasedStateMachine):
    """A market in memory; what is refused must have changed nothing, which its backend asserts."""

    listings: Bundle[str] = Bundle("listings")
    trades: Bundle[str] = Bundle("trades")
    redemptions: Bundle[str] = Bundle("redemptions")
    claims: Bundle[str] = Bundle("claims")
    done: ClassVar[Counter[str]] = Counter()
    """What all machines of this run have done."""

    def __init__(self) -> None:
        super().__init__()
        self.market = fork(Watched)
        self.backend = self.market.backend
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.listed = 0
        self.burnt = 0
        self.done["markets"] += 1

    @initialize(target=listings)
    def listed_at_the_start(self) -> Any:
        return multiple(*self.market.records("listing/"))

    @initialize(target=trades)
    def paid_at_the_start(self) -> Any:
        return multiple(*self.market.records("trade/"))

    def attempt(self, call: Callable[[], Any]) -> Any:
        try:
            answer = call()
        except MarketError as error:
            if error.code in (ErrorCode.INTERNAL, ErrorCode.LEDGER_UNAVAILABLE):
                raise
            self.done["refused"] += 1
            return None
        self.done["done"] += 1
        return answer

    def send(
        self,
        name: str,
        function: str,
        params: dict[str, Any],
        coins: dict[str, Any],
        *,
        issued_at_ms: int | None = None,
    ) -> Any:
        who = getattr(self.market, name)
        token = self.market.sign(who, function, params, lifetime_s=LIFETIME_S, issued_at_ms=issued_at_ms)
        self.sent.append((token, function, coins))
        return self.attempt(lambda: self.market.send_token(token, function, coins, msp=who.msp))

    def coins_for(self, name: str, amount: int) -> dict[str, list[str]]:
        """Return the largest coins of somebody, as many as reach ``amount`` if they do."""
        coins = self.market.coins(getattr(self.market, name).address)
        chosen: list[str] = []
        for coin in sorted(coins, key=lambda coin: (-coins[coin], coin)):
            if sum(coins[one] for one in chosen) < amount:
                chosen.append(coin)
        return {"coins": chosen}

    @precondition(lambda self: self.listed < 5)
    @rule(target=listings, name=st.sampled_from(("seller", "buyer")))
    def list_something(self, name: str) -> str:
        self.listed += 1
        listing_id: str = self.market.list_data(getattr(self.market, name), b"%d" % self.listed)["id"]
        return listing_id

    @rule(listing=listings, name=st.sampled_from(("owner", "stranger")), verb=st.sampled_from(VERBS))
    def change_an_offer(self, listing: str, name: str, verb: str) -> None:
        record = self.market.listing(listing)
        owner = next(name for name in PARTIES if getattr(self.market, name).address == record["owner"])
        offered = {} if verb == "withdraw" else {"offer": {**record["offer"], "price": str(PRICE)}}
        offered.get("offer", {}).pop("version", None)
        self.send(owner if name == "owner" else name, f"listing.{verb}", {"listing": listing, **offered}, {})

    @rule(
        target=trades,
        listing=listings,
        name=st.sampled_from(PARTIES),
        flaw=st.sampled_from(("", "", "short", "late")),
    )
    def pay(self, listing: str, name: str, flaw: str) -> Any:
        who, params = getattr(self.market, name), self.market.pay_params(listing)
        coins = self.market.fund(who, PRICE + BOND - (flaw == "short"))
        age_ms = LIFETIME_S * 1000 + 1 if flaw == "late" else 0
        done = self.send(name, "trade.pay", params, coins, issued_at_ms=self.backend.now_ms - age_ms)
        assert not (done and flaw)
        self.done["expired"] += flaw == "late"
        return done["id"] if done else multiple()

    @rule(trade=trades, call=st.sampled_from(CALLS), name=st.sampled_from(PARTIES))
    def act(self, trade: str, call: tuple[str, str], name: str) -> None:
        """Take any act, whoever may and whether it is time for it or not."""
        function, argument = call
        params = {"trade": trade, **self.market._usual(function, trade), **choice_of(function, argument)}
        coins = self.market.fund(getattr(self.market, name), 750) if function == "trade.charge" else {}
        self.send(name, function, params, coins)

    @rule(trade=trades, choices=st.lists(CHOICE, min_size=1, max_size=3))
    def step_forward(self, trade: str, choices: list[tuple[int, int]]) -> None:
        """Take acts that the table offers, by those who may, so that long paths are walked often."""
        for function, argument in choices:
            possible = [act for act in ACTS if act.source == self.market.trade(trade)["state"]]
            functions = sorted({act.function for act in possible})
            if functions:
                acts = [act for act in possible if act.function == functions[function % len(functions)]]
                act = acts[argument % len(acts)]
                who = self.market.platform if act.actor is Actor.PLATFORM else None
                changes = choice_of(act.function, act.argument)
                self.attempt(partial(self.market.act, act.function, trade, who, **changes))

    @rule(
        trade=trades,
        reason=st.sampled_from(("unavailable", "undecryptable", "mismatch")),
        found=st.sampled_from(Decision),
        late=st.booleans(),
    )
    def have_it_decided(self, trade: str, reason: str, found: Decision, late: bool) -> None:
        """Go the whole way of a dispute, of what was just sent if there is any; ``late``, the substitute decides."""
        records = self.market.records("trade/")
        trade = next((one for one, record in records.items() if record["state"] == "SENT"), trade)
        self.attempt(partial(self.market.act, "trade.dispute", trade, reason=reason))
        self.attempt(partial(self.market.act, "trade.open", trade))
        if late and self.market.trade(trade)["decider"] == "arbiter" and self.market.trade(trade)["deadline"]:
            self.market.expire()
            self.attempt(lambda: self.market.enforce(trade))
        self.attempt(partial(self.market.act, "trade.decide", trade, decision=found))

    @rule(target=claims, listing=listings, name=st.sampled_from(PARTIES))
    def claim(self, listing: str, name: str) -> Any:
        params = {"listing": listing, "deposit": str(CLAIM_DEPOSIT), "evidence": anything("original")}
        done = self.send(name, "claim.open", params, self.market.fund(getattr(self.market, name), CLAIM_DEPOSIT))
        return done["id"] if done else multiple()

    @rule(claim=claims, name=st.sampled_from(("owner", "owner", *PARTIES)))
    def answer(self, claim: str, name: str) -> None:
        owner = self.market.listing(self.market.claim_record(claim)["listing"])["owner"]
        by_address = {getattr(self.market, one).address: one for one in PARTIES}
        name = by_address[owner] if name == "owner" else name
        params = {"claim": claim, "deposit": str(CLAIM_DEPOSIT), "evidence": anything("mine")}
        self.send(name, "claim.answer", params, self.market.fund(getattr(self.market, name), CLAIM_DEPOSIT))

    @rule(
        claim=claims,
        winner=st.sampled_from((Claimed.CLAIMANT, Claimed.OWNER)),
        name=st.sampled_from(("supervisor", "supervisor", *PARTIES)),
    )
    def find(self, claim: str, winner: str, name: str) -> None:
        params = {"claim": claim, "decision": winner, "reasons": anything("why")}
        self.send(name, "claim.decide", params, {})

    @rule(claim=claims)
    def enforce_claim(self, claim: str) -> None:
        self.attempt(lambda: self.backend.submit(TRADER, "claim.enforce", claim))

    @rule(trade=trades)
    def enforce(self, trade: str) -> None:
        self.attempt(lambda: self.market.enforce(trade))

    @rule(seconds=st.sampled_from((0.001, EPOCH_S, 2 * EPOCH_S, DEADLINE_S, GUARD_S)))
    def wait(self, seconds: float) -> None:
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
            self.done["replayed"] += 1
            assert self.backend.ledger.state == before

    @rule(payer=st.sampled_from(PARTIES), payee=st.sampled_from(PARTIES), amount=st.integers(1, 3 * PRICE))
    def transfer(self, payer: str, payee: str, amount: int) -> None:
        params = {"to": getattr(self.market, payee).address, "amount": str(amount)}
        self.send(payer, "coin.transfer", params, self.coins_for(payer, amount))

    @rule(trade=trades, thief=st.sampled_from(PARTIES))
    def spend_the_escrow(self, trade: str, thief: str) -> None:
        coins = list(self.market.coins(f"trade/{trade}"))[:1]
        params = {"to": getattr(self.market, thief).address, "amount": "1"}
        assert self.send(thief, "coin.transfer", params, {"coins": coins}) is None

    @rule(target=redemptions, name=st.sampled_from(TRADERS), amount=st.integers(1, PRICE))
    def redeem(self, name: str, amount: int) -> Any:
        params = {"issuer": PLATFORM, "amount": str(amount)}
        done = self.send(name, "coin.redeem", params, self.coins_for(name, amount))
        return done["id"] if done else multiple()

    @rule(redemption=redemptions, name=st.sampled_from(("issuer", "issuer", *PARTIES)))
    def burn(self, redemption: str, name: str) -> None:
        done = self.send(name, "coin.burn", {"redemption": redemption}, {})
        if done is not None:
            self.burnt += int(done["amount"])

    @rule(redemption=redemptions)
    def return_what_was_not_burnt(self, redemption: str) -> None:
        self.attempt(lambda: self.backend.submit(TRADER, "coin.enforce", redemption))

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
        self.done["steps"] += 1
        amounts = [int(coin["amount"]) for coin in self.market.records("coin/").values()]
        assert all(amount > 0 for amount in amounts)
        assert sum(amounts) == self.market.minted - self.burnt

    @invariant()
    def escrow_is_what_trades_and_redemptions_say(self) -> None:
        held = {
            coin_id: coin["amount"] for coin_id, coin in self.market.records("coin/").items() if "/" in coin["owner"]
        }
        said = {
            entry["coin"]: entry["amount"]
            for holder in (*self.market.records("trade/").values(), *self.market.records("claim/").values())
            for entry in holder["escrow"]
        }
        locked = self.market.records("redemption/").values()
        said |= {one["coin"]: one["amount"] for one in locked if one["state"] == "LOCKED"}
        assert held == said

    @invariant()
    def no_state_is_without_exit(self) -> None:
        for trade in self.market.records("trade/").values():
            final = TradeState(trade["state"]).final
            assert bool(trade["deadline"]) is not final
            assert bool(trade["outcome"]) is final
            assert bool(trade["escrow"]) is not final
        for claim in self.market.records("claim/").values():
            final = ClaimState(claim["state"]).final
            assert bool(claim["deadline"]) is not final
            assert bool(claim["escrow"]) is not final
        for redemption in self.market.records("redemption/").values():
            assert bool(redemption["deadline"]) is (redemption["state"] == "LOCKED")

    @invariant()
    def contract_is_reserved_for_exactly_its_running_trade_or_a_sale_that_waits(self) -> None:
        running = {
            trade["listing"]: trade_id
            for trade_id, trade in self.market.records("trade/").items()
            if not TradeState(trade["state"]).final
        }
        claims = self.market.records("claim/")
        waiting = [claim for claim in claims.values() if claim["sale"] and not ClaimState(claim["state"]).final]
        running |= {claim["listing"]: claim["sale"]["trade"] for claim in waiting}
        claimed = {claim["listing"]: one for one, claim in claims.items() if claim["deadline"]}
        for address, listing in self.market.records("listing/").items():
            if listing["state"] != "VOID":
                assert listing["trade"] == running.get(address, "")
            assert (listing["state"] == "RESERVED") is (address in running)
            assert (listing["claim"], listing["claimed"]) == (claimed.get(address, ""), address in claimed)


@pytest.mark.slow
@pytest.mark.timeout(size(1_800, 6 * 3_600))
def test_market_under_random_operations_keeps_its_money() -> None:
    with unsigned():
        fork(Watched)
        Watched.taken.clear()  # by founding the market, which is not random
        MarketMachine.done.clear()
        run_state_machine_as_test(
            MarketMachine,
            settings=settings(
                max_examples=MARKETS, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)
            ),
        )
    done = MarketMachine.done
    assert done["steps"] >= WALKS * STEPS
    arrows = {*ACTS, *DEFAULTS, *CLAIM_ACTS, *CLAIM_DEFAULTS.values()}
    assert arrows <= set(Watched.taken), "an arrow was never taken"
    show(
        f"trade model: {done['markets']:,} markets, {done['steps']:,} random steps; {done['done']:,} transactions "
        f"committed, {done['refused']:,} refused, {done['replayed']:,} replays and {done['expired']:,} expired "
        f"intents without effect; each of {len(arrows)} arrows taken {min(Watched.taken.values()):,} times or more"
    )


@given(
    st.lists(st.integers(0, MOST), max_size=STEPS),
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
    for choice in [*choices, *[MOST] * len(TradeState)]:
        if state.final:
            break
        default = find_default(state, decider)
        assert default is not None, "no state without exit"
        acts = [act for act in ACTS if act.source is state]
        if choice < len(acts):
            if acts[choice].function == "trade.charge":
                held |= {Part.FEE: price // 40, Part.SELLER_BOND: bond}
            state, outcome = acts[choice].target, acts[choice].outcome
            decider = Actor.ARBITER if acts[choice].function == "trade.open" else decider
        else:
            undecided = TradeState.SETTLED if settle else TradeState.REFUNDED
            decider = Actor.SUBSTITUTE if default.target is TradeState.EVIDENCED else None
            state, outcome = default.target or undecided, default.outcome
    assert state.final
    paid = payouts(held, state, outcome, arbiter_fee=arbiter_fee)
    assert sum(paid.values()) == sum(held.values())
    assert all(amount > 0 for amount in paid.values())
