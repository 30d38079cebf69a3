"""The epoch: an envelope that was endorsed and held back dies with the next tick."""

from collections.abc import Sequence
from typing import Any

import pytest

from countermark.chaincode.calling import ByIntent, EvaluateOnly, Founding, Open
from countermark.chaincode.context import Reader
from countermark.chaincode.registry import FUNCTIONS
from countermark.chaincode.simulation import Simulation
from countermark.chaincode.testing import Result
from countermark.protocol import canonical
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode
from tests.support.backends import Backend, InMemory
from tests.support.every_function import ANYONE, EveryFunction
from tests.support.figures import show
from tests.support.market import BOND, EPOCH_S, PRICE, SUPERVISOR, TRADER, Market, offer, opening, refused


def tick(market: Market) -> None:
    market.backend.submit(TRADER, "clock.tick")


def test_clock_ticks_once_the_epoch_has_passed(market: Market) -> None:
    with refused(ErrorCode.NOT_DUE):
        tick(market)
    market.backend.wait(EPOCH_S - 0.001)
    with refused(ErrorCode.NOT_DUE):
        tick(market)
    market.backend.wait(0.001)
    tick(market)
    assert market.backend.evaluate(TRADER, "clock.show")["n"] == 2
    with refused(ErrorCode.NOT_DUE):
        tick(market)


@pytest.mark.requirement("A-25")
@pytest.mark.every_ledger
def test_envelope_held_over_a_tick_is_invalid_and_its_intent_may_still_act_once(
    backend: Backend, request: pytest.FixtureRequest
) -> None:
    """Every function: what was held back comes too late, another gateway tries again, and all others repeat it."""
    every = EveryFunction(backend)
    arguments = {function: call.arguments(every.market) for function, call in every.calls.items()}
    held = {function: every.hold(function, arguments=arguments[function]) for function in every.calls}
    every.tick()
    before = every.everything()
    codes = {function: backend.release(envelope) for function, envelope in held.items()}
    assert codes == dict.fromkeys(every.calls, "MVCC_READ_CONFLICT")
    assert every.everything() == before
    for function in every.intents:
        again = every.submit(function, msp=every.calls[function].by[0], arguments=arguments[function])
        assert "replayed" not in again.answer, function
    after = every.everything()
    for function in every.intents:
        for msp in ANYONE:
            assert every.submit(function, msp=msp, arguments=arguments[function])["replayed"] is True, function
    assert every.everything() == after
    show(
        f"held envelopes ({request.node.callspec.id}): {len(held)} functions held over a tick, none valid; "
        f"{len(every.intents)} intents tried again by another gateway, one effect each"
    )


@pytest.mark.every_ledger
def test_intent_that_failed_for_good_is_refused_by_every_gateway(
    backend: Backend, request: pytest.FixtureRequest
) -> None:
    """Its signer was told "failed", since it has expired or he has burnt it: it never acts, whoever hands it in."""
    every = EveryFunction(backend)
    nonces = {function: b64u(function.ljust(16)[:16].encode()) for function in every.intents}
    brief = {name: every.calls[name].arguments(every.market, lifetime_s=1) for name in every.intents}
    burnt = {name: every.calls[name].arguments(every.market, nonce=nonces[name]) for name in every.intents}
    held = [every.hold(name, arguments=intents[name]) for intents in (brief, burnt) for name in every.intents]
    every.tick()
    assert {backend.release(envelope) for envelope in held} == {"MVCC_READ_CONFLICT"}
    for function, who in every.intents.items():
        every.market.ask(who, "intent.cancel", {"nonce": nonces[function]})
    before = every.everything()
    for intents, code in ((brief, ErrorCode.INTENT_EXPIRED), (burnt, ErrorCode.INTENT_CANCELLED)):
        for function in every.intents:
            for msp in ANYONE:
                with refused(code):
                    every.submit(function, msp=msp, arguments=intents[function])
    assert every.everything() == before
    show(
        f"failed intents ({request.node.callspec.id}): {len(every.intents)} functions, expired and burnt, refused by "
        f"{len(ANYONE)} gateways"
    )


@pytest.mark.every_ledger
def test_every_envelope_is_valid_within_its_epoch(backend: Backend) -> None:
    every = EveryFunction(backend)
    for function, call in every.calls.items():
        arguments = call.arguments(every.market)
        assert backend.release(every.hold(function, arguments=arguments)) == "VALID", function
        if function in every.intents:
            # And the intent in it has acted: again it only repeats its outcome.
            assert every.submit(function, arguments=arguments)["replayed"] is True, function


def test_an_envelope_depends_on_nothing_more_for_being_read_ahead(
    in_memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = EveryFunction(in_memory)
    arguments = {name: call.arguments(every.market) for name, call in every.calls.items()}

    def endorse(name: str) -> Result:
        call = every.calls[name]
        transient = dict(call.transient or {})
        return in_memory.ledger.endorse(call.by[-1], name, *arguments[name], tx_id="0" * 64, transient=transient)

    ahead = {name: endorse(name) for name in every.calls}

    async def nothing(*_: object) -> None:
        """Every key is then read when the function asks for it."""

    monkeypatch.setattr(Reader, "fetch", nothing)
    for name in every.calls:
        assert ahead[name].ok, name
        assert ahead[name].effects == endorse(name).effects, name


def test_a_payment_reads_everything_with_two_requests(in_memory: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    market = Market(in_memory)
    params = market.pay_params(market.list_data()["id"])
    attached = market.fund(market.buyer, PRICE + BOND)
    token = market.sign(market.buyer, "trade.pay", params)
    requests: list[Sequence[str]] = []

    async def get_states(stub: Simulation, keys: Sequence[str]) -> list[bytes | None]:
        requests.append(keys)
        return [found.value if (found := stub._read(key)) else None for key in keys]

    async def get_state(_: Simulation, key: str) -> bytes | None:
        raise AssertionError(f"{key} is read by itself")

    monkeypatch.setattr(Simulation, "get_states", get_states)
    monkeypatch.setattr(Simulation, "get_state", get_state)
    coins = canonical.dumps(attached).decode()
    result = in_memory.ledger.endorse(TRADER, "trade.pay", token, coins, endorsers=(SUPERVISOR,))
    assert result.ok
    assert [len(keys) for keys in requests] == [5, 1 + len(attached["coins"])]


def test_two_copies_of_one_intent_in_flight_act_once(market: Market) -> None:
    params = market.pay_params(market.list_data()["id"])
    token = market.sign(market.buyer, "trade.pay", params)
    coins = canonical.dumps(market.fund(market.buyer, PRICE + BOND)).decode()
    first = market.backend.hold(TRADER, "trade.pay", token, coins)
    second = market.backend.hold(TRADER, "trade.pay", token, coins)
    assert market.backend.release(second) == "VALID"
    assert market.backend.release(first) == "MVCC_READ_CONFLICT"


@pytest.mark.every_ledger
@pytest.mark.requirement("R13")
def test_two_buyers_in_flight_only_the_first_gets_the_contract(market: Market) -> None:
    params = market.pay_params(market.list_data()["id"])
    envelopes = []
    for who in (market.buyer, market.stranger):
        coins = canonical.dumps(market.fund(who, PRICE + BOND)).decode()
        envelopes.append(market.backend.hold(TRADER, "trade.pay", market.sign(who, "trade.pay", params), coins))
    assert [market.backend.release(envelope) for envelope in envelopes] == ["VALID", "MVCC_READ_CONFLICT"]
    assert market.balance(market.stranger) == PRICE + BOND


@pytest.mark.every_ledger
@pytest.mark.requirement("R13")
def test_purchases_of_different_contracts_never_conflict(market: Market) -> None:
    envelopes = []
    for number in range(5):
        params = market.pay_params(market.list_data(data=b"%d" % number)["id"])
        coins = canonical.dumps(market.fund(market.buyer, PRICE + BOND)).decode()
        token = market.sign(market.buyer, "trade.pay", params)
        envelopes.append(market.backend.hold(TRADER, "trade.pay", token, coins))
    assert {market.backend.release(envelope) for envelope in envelopes} == {"VALID"}


def test_same_thing_registered_twice_in_flight_passes_once(in_memory: InMemory) -> None:
    market = Market(in_memory)
    held = []
    for who in (market.seller, market.stranger):
        opened, params = _registration()
        args = (market.sign(who, "listing.create", params), "{}")
        held.append(in_memory.ledger.endorse("PlatformMSP", "listing.create", *args, transient={"opening": opened}))
    assert [in_memory.release(result) for result in held] == ["VALID", "MVCC_READ_CONFLICT"]


def _registration() -> tuple[bytes, dict[str, Any]]:
    opened = opening(b"same photo")
    committed = opened.commitments()
    params = {
        "c_f": committed.c_f,
        "c_d": committed.c_d,
        "c_exact": committed.c_exact,
        "items": 1,
        "generator": "image/v1",
        "offer": offer(),
    }
    return opened.to_json(), params


def test_every_writing_function_is_held_here(in_memory: InMemory) -> None:
    """But for the founding of the market, before which there is no epoch."""
    every = EveryFunction(in_memory)
    assert set(every.calls) == {name for name, one in FUNCTIONS.items() if isinstance(one, ByIntent | Open)}
    assert set(every.intents) == {name for name, one in FUNCTIONS.items() if isinstance(one, ByIntent)}
    assert [name for name, one in FUNCTIONS.items() if isinstance(one, Founding)] == ["market.init"]
    assert {name for name, one in FUNCTIONS.items() if isinstance(one, EvaluateOnly)} == {
        name for name in FUNCTIONS if name.endswith(".show") or name.startswith("audit.")
    }
