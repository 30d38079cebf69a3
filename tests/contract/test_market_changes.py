"""The market's configuration: founded once, changed by a majority with the supervisor, after a delay."""

import asyncio
from typing import Any

import pytest

from countermark.chaincode.calling import ByIntent
from countermark.chaincode.registry import FUNCTIONS, handler
from countermark.chaincode.shim.call import Call
from countermark.chaincode.simulation import Simulation, Versioned, World
from countermark.chaincode.testing import COLLECTIONS
from countermark.protocol import canonical, market_rules
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig
from tests.support.backends import Backend, InMemory
from tests.support.market import GUARD_S, PLATFORM, SUPERVISOR, TRADER, Actor, Market, actor, config_json, refused

DELAY_S = 60


def propose(market: Market, who: Actor, *, unit: str = "client", **changes: Any) -> tuple[dict[str, Any], str]:
    config = {**market.config, "version": 2, **changes}
    market.ask(who, "market.propose", {"config": config}, unit=unit)
    return config, digest(canonical.dumps(config))


def approve(market: Market, who: Actor, proposed: str, *, unit: str = "client", version: int = 2) -> str:
    params = {"version": version, "digest": proposed}
    state: str = market.ask(who, "market.approve", params, unit=unit)["state"]
    return state


def enforce(market: Market, proposed: str, version: str = "2") -> Any:
    return market.backend.submit(TRADER, "market.enforce", version, proposed)


def test_market_shows_the_configuration_that_it_was_founded_with(market: Market) -> None:
    assert market.backend.evaluate(TRADER, "market.show") == market.config
    assert market.founded["state"] == "1"


def test_market_is_founded_once(market: Market) -> None:
    with refused(ErrorCode.MARKET_EXISTS):
        Market(market.backend)


@pytest.mark.parametrize(
    ("msp", "changes", "pepper", "code"),
    [
        (TRADER, {}, b"p" * 32, ErrorCode.NOT_PERMITTED),
        (PLATFORM, {}, b"short", ErrorCode.MARKET_INVALID),
        (PLATFORM, {"version": 2}, b"p" * 32, ErrorCode.MARKET_INVALID),
        (PLATFORM, {"bond": "399"}, b"p" * 32, ErrorCode.MARKET_INVALID),
        (PLATFORM, {"surprise": 1}, b"p" * 32, ErrorCode.MARKET_INVALID),
    ],
)
def test_bad_foundation_is_refused(
    backend: Backend, msp: str, changes: dict[str, Any], pepper: bytes, code: ErrorCode
) -> None:
    text = canonical.dumps(config_json(**changes)).decode()
    with refused(code):
        backend.submit(msp, "market.init", text, transient={"pepper": pepper})


@pytest.mark.parametrize("function", ["market.show", "clock.show"])
def test_market_that_is_not_founded_says_so(backend: Backend, function: str) -> None:
    with refused(ErrorCode.MARKET_MISSING):
        backend.evaluate(TRADER, function)


@pytest.mark.native_ledger
def test_majority_with_the_supervisor_changes_the_market_after_the_delay(market: Market) -> None:
    config, proposed = propose(market, market.platform, bond="700")
    with refused(ErrorCode.NOT_DUE):
        enforce(market, proposed)
    assert approve(market, market.supervisor, proposed) == "APPROVED"
    market.backend.wait(DELAY_S + GUARD_S - 0.001)
    with refused(ErrorCode.NOT_DUE):
        enforce(market, proposed)
    market.backend.wait(0.001)
    assert enforce(market, proposed)["state"] == "2"
    assert market.backend.evaluate(TRADER, "market.show") == config
    assert enforce(market, proposed)["replayed"] is True


def test_majority_without_the_supervisor_changes_nothing(market: Market) -> None:
    _, proposed = propose(market, market.platform, bond="700")
    clerk = actor("clerk of the trading organisation")
    market.open_account(clerk)
    assert approve(market, clerk, proposed, unit="admin") == "PROPOSED"
    market.expire(DELAY_S)
    with refused(ErrorCode.NOT_DUE):
        enforce(market, proposed)


def test_supervisor_alone_changes_nothing(market: Market) -> None:
    _, proposed = propose(market, market.supervisor, bond="700")
    market.expire(DELAY_S)
    with refused(ErrorCode.NOT_DUE):
        enforce(market, proposed)


def test_organisation_approves_once(market: Market) -> None:
    _, proposed = propose(market, market.supervisor, bond="700")
    with refused(ErrorCode.WRONG_STATE):
        approve(market, market.supervisor, proposed)


def test_traders_of_an_organisation_do_not_vote_for_it(market: Market) -> None:
    _, proposed = propose(market, market.supervisor, bond="700")
    with refused(ErrorCode.NOT_PERMITTED):
        approve(market, market.stranger, proposed, unit="client")
    with refused(ErrorCode.WRONG_ACTOR):
        approve(market, Actor("s", PLATFORM, market.stranger.key, market.stranger.encryption), proposed, unit="admin")


def test_outsider_does_not_vote(in_memory: InMemory) -> None:
    market = Market(in_memory)
    outsider = Actor("outsider", "OutsiderMSP", market.stranger.key, market.stranger.encryption)
    with refused(ErrorCode.NOT_PERMITTED):
        propose(market, outsider, unit="admin", bond="700")


def test_malformed_certificate_is_no_administrators(in_memory: InMemory) -> None:
    market = Market(in_memory)
    token = market.sign(market.stranger, "market.propose", {"config": {**market.config, "version": 2}})
    result = in_memory.ledger.invoke(TRADER, "market.propose", token, "{}", certificate=b"nonsense")
    assert "not_permitted" in result.response.message


def test_proposal_must_follow_the_version_in_force(market: Market) -> None:
    with refused(ErrorCode.WRONG_STATE):
        propose(market, market.platform, version=3)
    with refused(ErrorCode.WRONG_STATE):
        propose(market, market.platform, version=1)
    propose(market, market.platform, bond="700")
    with refused(ErrorCode.WRONG_STATE):
        propose(market, market.supervisor, bond="700")


def test_invalid_configuration_cannot_be_proposed(market: Market) -> None:
    with refused(ErrorCode.MARKET_INVALID):
        propose(market, market.platform, bond="1")


def test_rules_that_become_stricter_stop_no_market_that_is_in_force(
    in_memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = Market(in_memory)
    trade_id = market.bring_to("PAID")
    _, proposed = propose(market, market.platform, bond="700")
    approve(market, market.supervisor, proposed)
    market.expire(DELAY_S)

    def stricter(config: MarketConfig) -> None:
        raise MarketError(ErrorCode.MARKET_INVALID, "nothing is good enough")

    monkeypatch.setattr(market_rules, "check", stricter)
    market.act("trade.charge", trade_id)
    assert market.backend.evaluate(TRADER, "market.show") == market.config
    # But nothing that breaks the new rules comes into force any more, whenever it was proposed.
    with refused(ErrorCode.MARKET_INVALID):
        enforce(market, proposed)
    with refused(ErrorCode.MARKET_INVALID):
        propose(market, market.platform, bond="800")


def test_market_keeps_its_name_when_its_configuration_changes(market: Market) -> None:
    _, proposed = propose(market, market.platform, bond="700")
    approve(market, market.supervisor, proposed)
    market.expire(DELAY_S)
    enforce(market, proposed)
    assert market.mint(market.buyer, 5)


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"market.init"}))
def test_call_by_another_chaincode_is_refused(in_memory: InMemory, function: str) -> None:
    """A chaincode of the same channel calls this one: the proposal, and every intent, names the calling one."""
    Market(in_memory)
    world = World(COLLECTIONS, {key: Versioned(value, (1, 0)) for key, value in in_memory.ledger.state.items()})
    called = FUNCTIONS[function]
    count = 2 if isinstance(called, ByIntent) else called.count  # type: ignore[union-attr] # only `Founding` has none
    call = Call("0" * 64, "market", "another", TRADER, b"", in_memory.now_ms, function, (b"x",) * count, {})
    simulation = Simulation(world, call, SUPERVISOR)
    with refused(ErrorCode.WRONG_MARKET):
        asyncio.run(handler(simulation))  # type: ignore[arg-type] # a coroutine
    assert not simulation.effects.writing


def test_of_two_approved_proposals_the_first_enforced_wins(market: Market) -> None:
    _, first = propose(market, market.platform, bond="700")
    _, second = propose(market, market.platform, bond="800")
    approve(market, market.supervisor, first)
    approve(market, market.supervisor, second)
    market.expire(DELAY_S)
    enforce(market, second)
    with refused(ErrorCode.WRONG_STATE):
        enforce(market, first)
    assert market.backend.evaluate(TRADER, "market.show")["bond"] == "800"


def test_unknown_proposal_is_refused(market: Market) -> None:
    with refused(ErrorCode.NOT_FOUND):
        approve(market, market.supervisor, digest(b"nothing"))
    with refused(ErrorCode.NOT_FOUND):
        enforce(market, digest(b"nothing"))
    for version in ("x", "", "1", "02", "2147483649", "0" * 5000):
        with refused(ErrorCode.MALFORMED_REQUEST):
            enforce(market, digest(b"nothing"), version=version)


def test_trade_keeps_the_values_that_held_when_it_was_paid(market: Market) -> None:
    trade_id = market.bring_to("PAID")
    fees = {"management": "0", "transaction_bps": 10_000, "arbiter": "0"}
    _, proposed = propose(market, market.platform, bond="700", fees=fees, guard=7, undecided="settle")
    approve(market, market.supervisor, proposed)
    market.expire(DELAY_S)
    enforce(market, proposed)
    market.act("trade.charge", trade_id)
    trade = market.trade(trade_id)
    assert (trade["fee"], trade["bond"], trade["guard"], trade["market_version"]) == ("250", "500", 5, 1)
    assert sum(int(held["amount"]) for held in trade["escrow"]) == 10_001 + 500 + 250 + 500
    fresh = market.list_data(data=b"later")["id"]
    assert market.listing(fresh)["market_version"] == 2
