"""Frozen, recovered and rotated accounts in the middle of a trade: its timers go on, and no coin is lost."""

from collections.abc import Mapping

import pytest

from countermark.protocol.errors import ErrorCode
from countermark.protocol.transitions import ACTS, Actor, TradeState
from tests.contract.test_trade_ends import BY_ENFORCE, End, check_end
from tests.support.backends import Backend, Committed
from tests.support.market import BOND, FEE, GUARD_S, PATHS, PRICE, SUPERVISOR, Market, Step, actor, offer, refused
from tests.support.market import Actor as Party

PARTIES = ("seller", "buyer")
LOCK_S = 60  # change_delay of the tests' market
HEIR = actor("heir")

of_each_party = pytest.mark.parametrize("name", PARTIES)
in_each_state = pytest.mark.parametrize("state", PATHS)


class Recoverable(Market):
    """A market whose seller and buyer have named a recovery address."""

    @property
    def members(self) -> tuple[Party, ...]:
        return (*super().members, HEIR)

    def open_account(self, who: Party, **params: object) -> Committed:
        named = {"recovery": HEIR.address} if who in (self.seller, self.buyer) else {}
        return super().open_account(who, **named, **params)

    def recover(self, who: Party, *, coins: list[str] | None = None, listings: list[str] | None = None) -> str:
        moved = {"coins": coins or [], "listings": listings or []}
        state: str = self.ask(HEIR, "account.recover", {"account": who.address}, moved)["state"]
        return state

    def take_over(self, who: Party, *listings: str) -> None:
        """Recover the account of `who`, with these contracts."""
        assert self.recover(who) == "RECOVERING"
        self.backend.wait(LOCK_S + GUARD_S)
        assert self.recover(who, listings=list(listings)) == "RECOVERED"


@pytest.fixture
def recoverable(backend: Backend) -> Recoverable:
    return Recoverable(backend)


def freeze(market: Market, who: Party) -> None:
    market.ask(market.supervisor, "account.freeze", {"account": who.address})


def run_on_timers(market: Market, trade: str, state: str) -> End:
    """Let nobody act until the trade ends, and return how it should."""
    for _ in BY_ENFORCE[state]:
        market.expire()
        market.enforce(trade)
    end = BY_ENFORCE[state][-1]
    assert isinstance(end, End)
    return end


def try_all(market: Market, trade: str, role: str, who: Party, code: ErrorCode) -> None:
    """Have `who` try all that is for `role` now, which is refused; he brings no coins, so that he has none after."""
    state = market.trade(trade)["state"]
    for function, allowed in acts_in(state):
        if allowed == role:
            params = {"trade": trade, **market._usual(function, trade), **fitting(state, function)}
            with refused(code):
                market.ask(who, function, params)


def fitting(state: str, function: str) -> dict[str, str]:
    """The reason of a dispute that is possible in a state, where it is not the usual one."""
    return {"reason": "unavailable"} if (state, function) == ("SENT", "trade.dispute") else {}


def acts_in(state: str) -> list[tuple[str, Actor]]:
    """What may be done in a state, and by whom: decisions by the arbiter, and of remedies the first step."""
    remedied = {"trade.relay", "trade.accept"} if state == TradeState.EVIDENCED else set()
    possible = [act for act in ACTS if act.source == state and act.actor is not Actor.SUBSTITUTE]
    return list(dict.fromkeys((act.function, act.actor) for act in possible if act.function not in remedied))


# Frozen


@of_each_party
@in_each_state
@pytest.mark.requirement("R18")
def test_trade_of_a_frozen_party_runs_on_its_timers(market: Market, name: str, state: str) -> None:
    who, trade = getattr(market, name), market.bring_to(state)
    freeze(market, who)
    try_all(market, trade, name, who, ErrorCode.ACCOUNT_FROZEN)
    check_end(market, trade, run_on_timers(market, trade, state))
    # What the trade has paid him is his, and waits until he may act again.
    held = market.coins(who.address)
    market.ask(market.supervisor, "account.release", {"account": who.address})
    for coin in held:
        market.ask(
            who, "coin.transfer", {"to": market.stranger.address, "amount": str(held[coin])}, {"coins": [coin]}
        )
    assert market.balance(market.stranger) == sum(held.values())


OTHERS = [
    (state, function, role, frozen)
    for state in PATHS
    for function, role in acts_in(state)
    for frozen in PARTIES
    if frozen != role
]
"""Every act with the party that does not take it."""


@pytest.mark.parametrize(("state", "function", "role", "frozen"), OTHERS)
def test_frozen_party_keeps_nobody_else_from_acting(
    market: Market, state: str, function: str, role: str, frozen: str
) -> None:
    trade = market.bring_to(state)
    freeze(market, getattr(market, frozen))
    assert market.act(function, trade, getattr(market, role), **fitting(state, function))["id"] == trade
    assert market.total() == market.minted


@pytest.mark.parametrize(
    ("state", "frozen", "ends"),
    [
        ("UPLOADED", "platform", ["not_relayed"]),
        ("RECEIVED", "platform", ["", "auto_released"]),
        ("EVIDENCED", "arbiter", ["", "undecided"]),
    ],
)
def test_trade_outlasts_whom_it_waits_for(market: Market, state: str, frozen: str, ends: list[str]) -> None:
    trade, who = market.bring_to(state), getattr(market, frozen)
    freeze(market, who)
    try_all(market, trade, frozen, who, ErrorCode.ACCOUNT_FROZEN)
    for outcome in ends:
        market.expire()
        assert market.enforce(trade)["outcome"] == outcome
    assert market.coins(f"trade/{trade}") == {}
    assert market.total() == market.minted


def test_substitute_decides_where_the_arbiter_is_frozen(market: Market) -> None:
    trade = market.bring_to("EVIDENCED")
    freeze(market, market.arbiter)
    market.expire()
    market.enforce(trade)
    assert market.act("trade.decide", trade)["outcome"] == "fault"


# Recovered


@of_each_party
@in_each_state
def test_what_a_trade_pays_to_a_recovered_account_can_be_moved(
    recoverable: Recoverable, name: str, state: str
) -> None:
    market, trade = recoverable, recoverable.bring_to(state)
    who, listing = getattr(market, name), market.trade(trade)["listing"]
    market.take_over(who)
    try_all(market, trade, name, who, ErrorCode.ACCOUNT_FROZEN)
    try_all(market, trade, name, HEIR, ErrorCode.WRONG_ACTOR)
    end = run_on_timers(market, trade, state)
    check_end(market, trade, end)
    due = getattr(end, name)
    owns = (end.sold and name == "buyer") or (not end.sold and name == "seller")
    if due or owns:
        coins = list(market.coins(who.address))
        assert market.recover(who, coins=coins, listings=[listing] if owns else []) == "RECOVERED"
    assert (market.balance(who), market.balance(HEIR)) == (0, due)
    assert (market.listing(listing)["owner"] == HEIR.address) is owns
    assert market.total() == market.minted
    if owns:
        function = "listing.relist" if end.sold else "listing.withdraw"
        offered = {"offer": offer()} if end.sold else {}
        assert market.ask(HEIR, function, {"listing": listing, **offered})


@in_each_state
def test_contract_that_moves_with_its_seller_stays_with_the_trade(recoverable: Recoverable, state: str) -> None:
    """A reserved contract goes to the recovery address at once; the trade's end decides all the same."""
    market, trade = recoverable, recoverable.bring_to(state)
    listing = market.trade(trade)["listing"]
    market.take_over(market.seller, listing)
    assert (market.listing(listing)["owner"], market.listing(listing)["state"]) == (HEIR.address, "RESERVED")
    with refused(ErrorCode.WRONG_STATE):
        market.ask(HEIR, "listing.withdraw", {"listing": listing})
    end = run_on_timers(market, trade, state)
    owner = market.buyer if end.sold else HEIR
    assert market.listing(listing)["owner"] == owner.address
    assert market.balance(market.seller) == end.seller


def test_trade_settles_while_its_seller_is_being_recovered(recoverable: Recoverable) -> None:
    market, trade = recoverable, recoverable.bring_to("MATCHED")
    market.recover(market.seller)
    market.act("trade.confirm", trade)
    coins = list(market.coins(market.seller.address))
    with refused(ErrorCode.NOT_DUE):
        market.recover(market.seller, coins=coins)
    market.backend.wait(LOCK_S + GUARD_S)
    market.recover(market.seller, coins=coins)
    assert market.balance(HEIR) == PRICE + BOND


def test_vetoed_recovery_leaves_a_trade_to_its_parties(recoverable: Recoverable) -> None:
    market, trade = recoverable, recoverable.bring_to("FUNDED")
    market.recover(market.seller)
    market.ask(market.seller, "account.veto", {"account": market.seller.address})
    for function in ("trade.send", "trade.relay", "trade.ack", "trade.check", "trade.confirm"):
        market.act(function, trade)
    assert market.balance(market.seller) == PRICE + BOND
    assert market.balance(market.platform) == FEE


@pytest.mark.parametrize("moved", [False, True])
def test_nothing_is_bought_of_an_account_that_is_recovered_but_what_has_moved(
    recoverable: Recoverable, moved: bool
) -> None:
    market = recoverable
    listing = market.list_data()["id"]
    market.recover(market.seller)
    with refused(ErrorCode.NOT_FOR_SALE):
        market.pay(listing)
    market.backend.wait(LOCK_S + GUARD_S)
    market.recover(market.seller, listings=[listing] if moved else [])
    if moved:
        assert market.trade(market.pay(listing))["seller"] == HEIR.address
    else:
        with refused(ErrorCode.NOT_FOR_SALE):
            market.pay(listing)


# Rotated

_MATCH: list[Step] = [("trade.ack", {}), ("trade.check", {}), ("trade.confirm", {})]
_DECIDE: list[Step] = [("trade.open", {}), ("trade.decide", {"decision": "delivered"})]

ONWARD: Mapping[str, list[Step]] = {
    "PAID": [("trade.charge", {}), ("trade.send", {}), ("trade.relay", {}), *_MATCH],
    "FUNDED": [("trade.send", {}), ("trade.relay", {}), *_MATCH],
    "UPLOADED": [("trade.relay", {}), *_MATCH],
    "SENT": _MATCH,
    "RECEIVED": _MATCH[1:],
    "MATCHED": _MATCH[2:],
    "MISMATCHED": [("trade.dispute", {}), *_DECIDE],
    "DISPUTED": _DECIDE,
    "EVIDENCED": _DECIDE[1:],
}
"""What is left to do until the seller is paid, by state."""


@in_each_state
def test_trade_goes_on_when_everybody_rotates_his_encryption_key(market: Market, state: str) -> None:
    """The one-time key and the arbiters' keys are those of the payment; nothing is sealed to any other."""
    trade = market.bring_to(state)
    before = market.trade(trade)
    for who in (market.seller, market.buyer, market.arbiter, market.substitute):
        key = {"key": actor(f"next key of {who.name}").encryption.public, "version": 2}
        market.ask(who, "account.rotate_encryption_key", {"encryption_key": key})
        record = market.backend.evaluate(SUPERVISOR, "audit.account", who.address)["account"]
        assert record["encryption_key"] == key
    for function, changes in ONWARD[state]:
        market.act(function, trade, **changes)
    after = market.trade(trade)
    for name in ("pk_t", "arbiter", "substitute", "c_f", "c_exact"):
        assert after[name] == before[name], name
    assert after["pk_t"] == actor("one-time key").encryption.public
    assert after["state"] == "SETTLED"
    assert market.listing(after["listing"])["owner"] == market.buyer.address
