"""Every end of a trade, and where every coin goes then: the table of protocol.md, written out by hand."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from countermark.chaincode.records.redemption import RedemptionState
from countermark.chaincode.registry import FUNCTIONS
from countermark.protocol.errors import ErrorCode
from countermark.protocol.transitions import DEFAULTS, LISTING_ACTS, Decision, ListingState, Outcome, TradeState
from tests.support.backends import Backend
from tests.support.every_function import EveryFunction
from tests.support.figures import show
from tests.support.market import ARBITER_FEE, BOND, DEADLINE_S, FEE, GUARD_S, PATHS, PRICE, Market, offer, refused


@dataclass(frozen=True)
class End:
    """Final state and outcome, what each party holds in the end (minor units), and what became of the contract.

    `arbiter` is what he holds who has decided, or would have.
    """

    state: str
    outcome: str
    buyer: int
    seller: int
    platform: int = 0
    arbiter: int = 0
    sold: bool = False
    void: bool = False


# What buyer and seller held before: price and bond, fee and bond once `trade.charge` has run.
SETTLED = {"buyer": BOND, "seller": PRICE + BOND, "platform": FEE, "sold": True}
REFUNDED = {"buyer": PRICE + BOND, "seller": FEE + BOND}

BY_ENFORCE = {
    "PAID": [End("REFUNDED", "no_fee", buyer=PRICE + BOND, seller=0)],
    "FUNDED": [End("REFUNDED", "no_show", buyer=PRICE + 2 * BOND, seller=FEE)],
    "UPLOADED": [End("REFUNDED", "not_relayed", **REFUNDED)],
    "SENT": [End("SETTLED", "auto_released", **SETTLED)],
    "RECEIVED": ["MATCHED", End("SETTLED", "auto_released", **SETTLED)],
    "MATCHED": [End("SETTLED", "auto_released", **SETTLED)],
    "MISMATCHED": [
        "DISPUTED",
        End("SETTLED", "buyer_silent", buyer=0, seller=PRICE + 2 * BOND, platform=FEE, sold=True),
    ],
    "DISPUTED": [End("SETTLED", "buyer_silent", buyer=0, seller=PRICE + 2 * BOND, platform=FEE, sold=True)],
    "EVIDENCED": ["EVIDENCED", End("REFUNDED", "undecided", **REFUNDED)],
}


@pytest.fixture(scope="module")
def ended() -> Iterator[list[str]]:
    """The ledgers on which a state was driven to its end, once for each state."""
    ledgers: list[str] = []
    yield ledgers
    counted = ", ".join(f"{count} on {ledger}" for ledger, count in Counter(ledgers).items())
    show(f"states driven to an end by enforce alone: {counted}, of {len(BY_ENFORCE)} that are not final")


def check_end(market: Market, trade_id: str, end: End, decider: str = "arbiter") -> None:
    trade = market.trade(trade_id)
    assert (trade["state"], trade["outcome"]) == (end.state, end.outcome)
    held = {who.name: market.balance(who) for who in (market.buyer, market.seller, market.platform)}
    assert held == {"buyer": end.buyer, "seller": end.seller, "platform": end.platform}
    deciders = {who.name: market.balance(who) for who in (market.arbiter, market.substitute)}
    assert deciders == {"arbiter": 0, "substitute": 0, decider: end.arbiter}
    assert market.coins(f"trade/{trade_id}") == {}, "nothing stays in escrow"
    assert market.total() == market.minted, "no coin appears or disappears"
    listing = market.listing(trade["listing"])
    owner, state = (market.buyer, "SOLD") if end.sold else (market.seller, "VOID" if end.void else "LISTED")
    reserving = trade_id if end.void else ""
    assert (listing["owner"], listing["state"], listing["trade"]) == (owner.address, state, reserving)
    exact = market.backend.evaluate("SupervisorMSP", "audit.listing", trade["listing"])["exact"]
    assert exact == {"listing": trade["listing"], "status": "VOID" if end.void else "LIVE"}


def test_every_state_that_is_not_final_is_driven_here() -> None:
    assert set(BY_ENFORCE) == set(PATHS) == {state for state in TradeState if not state.final}
    assert {default.source for default in DEFAULTS} == set(BY_ENFORCE)


@pytest.mark.requirement("A-24", "A-26", "A-27", "A-28")
@pytest.mark.every_ledger
@pytest.mark.requirement("R76")
@pytest.mark.requirement("R77")
@pytest.mark.parametrize("state", BY_ENFORCE)
@pytest.mark.requirement("R4")
def test_enforce_alone_ends_every_state(
    market: Market, state: str, ended: list[str], request: pytest.FixtureRequest
) -> None:
    trade_id = market.bring_to(state)
    for expected in BY_ENFORCE[state]:
        market.expire()
        after = market.enforce(trade_id)
        assert after["state"] == (expected.state if isinstance(expected, End) else expected)
    check_end(market, trade_id, BY_ENFORCE[state][-1])
    ended.append(request.node.callspec.params["backend"])


OTHER_MACHINES = {
    "listing.enforce": "VOID",
    "coin.enforce": "RETURNED",
    "claim.enforce": "DECIDED",
    "market.enforce": "2",
}
"""What is no trade and has a state with a deadline: how `enforce` ends it."""


@pytest.mark.every_ledger
def test_enforce_alone_ends_every_state_of_the_other_machines(backend: Backend) -> None:
    every = EveryFunction(backend)
    held = {owner for owner in (coin["owner"] for coin in every.market.records("coin/").values()) if "/" in owner}
    for function, state in OTHER_MACHINES.items():
        assert every.submit(function)["state"] == state
        assert every.submit(function)["replayed"] is True
    (redemption,) = every.calls["coin.enforce"].args
    assert f"redemption/{redemption}" in held
    owners = [coin["owner"] for coin in every.market.records("coin/").values()]
    assert f"redemption/{redemption}" not in owners, "nothing stays locked"
    assert every.market.total() == every.market.minted, "no coin appears or disappears"


def test_every_machine_that_has_a_deadline_is_driven_here() -> None:
    enforced = {function for function in FUNCTIONS if function.endswith(".enforce")}
    assert enforced == {"trade.enforce", *OTHER_MACHINES}
    assert set(LISTING_ACTS["listing.enforce"]) == {ListingState.PENDING_FEE}
    assert {state for state in RedemptionState if state not in ("BURNT", "RETURNED")} == {RedemptionState.LOCKED}


@pytest.mark.requirement("A-24")
@pytest.mark.parametrize("state", BY_ENFORCE)
def test_enforce_again_does_nothing(market: Market, state: str) -> None:
    trade_id = market.bring_to(state)
    for _ in BY_ENFORCE[state]:
        market.expire()
        market.enforce(trade_id)
    before, coins = market.trade(trade_id), market.records("coin/")
    market.expire()
    again = market.enforce(trade_id)
    assert again["replayed"] is True
    assert (market.trade(trade_id), market.records("coin/")) == (before, coins)


def test_undecided_trade_settles_where_the_market_said_so_at_payment(backend: Backend) -> None:
    market = Market(backend, undecided="settle")
    trade_id = market.bring_to("EVIDENCED")
    for expected in ("arbiter", "substitute"):
        assert market.trade(trade_id)["decider"] == expected
        market.expire()
        market.enforce(trade_id)
    check_end(market, trade_id, End("SETTLED", "undecided", **SETTLED))


BY_ACT = {
    ("PAID", "trade.cancel"): End("REFUNDED", "declined", buyer=PRICE + BOND, seller=0),
    ("FUNDED", "trade.cancel"): End("REFUNDED", "cancelled", buyer=PRICE + 2 * BOND, seller=FEE),
    ("SENT", "trade.confirm"): End("SETTLED", "confirmed", **SETTLED),
    ("MATCHED", "trade.confirm"): End("SETTLED", "confirmed", **SETTLED),
    ("MISMATCHED", "trade.accept"): End("SETTLED", "accepted", **SETTLED),
    ("EVIDENCED", "trade.accept"): End(
        *("SETTLED", "remedied"),
        buyer=BOND - ARBITER_FEE // 2,
        seller=PRICE + BOND - ARBITER_FEE // 2,
        platform=FEE,
        arbiter=ARBITER_FEE,
        sold=True,
    ),
}


@pytest.mark.requirement("A-27")
@pytest.mark.parametrize(("state", "function"), BY_ACT)
def test_act_ends_the_trade(market: Market, state: str, function: str) -> None:
    trade_id = market.bring_to(state, before=function)
    market.act(function, trade_id)
    check_end(market, trade_id, BY_ACT[state, function])


TO_SELLER = {"buyer": 0, "platform": FEE, "sold": True}

BY_DECISION = {
    ("delivered", "mismatch"): End(
        "SETTLED", "decided", seller=PRICE + 2 * BOND - ARBITER_FEE, arbiter=ARBITER_FEE, **TO_SELLER
    ),
    ("delivered", "undecryptable"): End(
        "SETTLED", "decided", seller=PRICE + 2 * BOND - ARBITER_FEE, arbiter=ARBITER_FEE, **TO_SELLER
    ),
    ("delivered", "unavailable"): End("SETTLED", "supplied", **SETTLED),
    ("unopened", "undecryptable"): End("SETTLED", "buyer_silent", seller=PRICE + 2 * BOND, **TO_SELLER),
    ("faulty", "mismatch"): End(
        "REFUNDED", "fault", buyer=PRICE + 2 * BOND - ARBITER_FEE, seller=FEE, arbiter=ARBITER_FEE
    ),
    ("missing", "unavailable"): End("REFUNDED", "not_relayed", **REFUNDED),
    ("misregistered", "mismatch"): End(
        *("REFUNDED", "fault"),
        buyer=PRICE + 2 * BOND - ARBITER_FEE,
        seller=FEE,
        arbiter=ARBITER_FEE,
        void=True,
    ),
}


def evidenced(market: Market, reason: str) -> str:
    """Return a trade that waits for a decision, disputed for ``reason``."""
    trade_id = market.bring_to("SENT" if reason != "mismatch" else "MATCHED")
    market.act("trade.dispute", trade_id, reason=reason)
    market.act("trade.open", trade_id)
    return trade_id


@pytest.mark.requirement("A-19", "A-29", "A-30")
@pytest.mark.every_ledger
@pytest.mark.requirement("R72", "R75")
@pytest.mark.parametrize(("decision", "reason"), BY_DECISION)
@pytest.mark.parametrize("decider", ["arbiter", "substitute"])
def test_decision_ends_the_trade(market: Market, decision: str, reason: str, decider: str) -> None:
    trade_id = evidenced(market, reason)
    if decider == "substitute":
        market.expire()
        market.enforce(trade_id)
    market.act("trade.decide", trade_id, decision=decision)
    check_end(market, trade_id, BY_DECISION[decision, reason], decider)
    decided = market.trade(trade_id)["decision"]
    assert (decided["by"], decided["decision"]) == (getattr(market, decider).address, decision)


def test_every_decision_is_taken_here() -> None:
    assert {decision for decision, _ in BY_DECISION} == set(Decision)


@pytest.mark.requirement("R68")
def test_data_whose_registration_was_false_can_be_registered_anew(market: Market) -> None:
    trade_id = evidenced(market, "mismatch")
    market.act("trade.decide", trade_id, decision="misregistered")
    again = market.list_data(market.stranger)
    assert market.listing(again["id"])["state"] == "LISTED"
    with refused(ErrorCode.NOT_FOR_SALE):
        market.pay(market.trade(trade_id)["listing"])


def test_these_tables_show_every_outcome() -> None:
    ends = [end for steps in BY_ENFORCE.values() for end in steps if isinstance(end, End)]
    reached = {end.outcome for end in [*ends, *BY_ACT.values(), *BY_DECISION.values()]}
    # What a claim ends is shown among the tests of claims.
    assert reached == set(Outcome) - {Outcome.NONE, Outcome.CLAIMED}


@pytest.mark.parametrize("price", [1, 39, 40, 999_999])
def test_fee_is_the_floor_of_basis_points(market: Market, price: int) -> None:
    address = market.list_data(offer=offer(price))["id"]
    trade_id = market.pay(address)
    for function in ("trade.charge", "trade.send", "trade.relay", "trade.confirm"):
        market.act(function, trade_id)
    assert market.balance(market.platform) == price * 250 // 10_000
    assert market.balance(market.seller) == price + BOND
    assert market.total() == market.minted


@pytest.mark.requirement("A-25")
@pytest.mark.requirement("R76")
def test_enforce_before_deadline_and_guard_is_refused(market: Market) -> None:
    trade_id = market.bring_to("FUNDED")
    market.backend.wait(DEADLINE_S + GUARD_S - 0.001)
    with refused(ErrorCode.NOT_DUE):
        market.enforce(trade_id)
    market.backend.wait(0.001)
    assert market.enforce(trade_id)["outcome"] == "no_show"


@pytest.mark.requirement("A-30")
def test_arbiter_gets_nothing_where_nobody_decided(market: Market) -> None:
    trade_id = market.bring_to("EVIDENCED")
    for _ in range(2):
        market.expire()
        market.enforce(trade_id)
    assert market.balance(market.arbiter) == market.balance(market.substitute) == 0
