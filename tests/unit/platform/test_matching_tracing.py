"""Traces: which contract a copy belongs to, since when, through which sales; and who is told whose it is."""

from dataclasses import replace
from typing import Any

import pytest

from countermark.fingerprint import Fingerprint
from countermark.platform.matching.allowance import ALLOWANCE
from countermark.platform.matching.tracing import Tracing
from countermark.platform.store.quotas import Quota
from countermark.protocol import canonical, searches, times
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import open_sealed
from tests.support.market import Actor
from tests.support.pictures import crop, fingerprint, noise, photo
from tests.support.platform import MARKET, World, sealed


def _tracing(world: World, **changes: Any) -> Tracing:
    return Tracing(world.inquiries(**changes))


def _asked(world: World, who: Actor, *samples: Fingerprint, typ: str = searches.TRACE_TYP) -> dict[str, Any]:
    first, *more = (sample.to_bytes() for sample in samples)
    token = searches.sign_search(
        who.key, market=MARKET, fingerprint=first, more=more, issued_at_ms=world.clock(), typ=typ
    )
    return sealed(token, "trace")


def _traced(world: World, who: Actor, *samples: Fingerprint) -> list[dict[str, Any]]:
    answer = _tracing(world).answer(_asked(world, who, *samples))
    document = canonical.loads(open_sealed({1: who.encryption}, answer, kind="trace-answer", market=MARKET))
    assert list(document) == ["contracts"]
    contracts: list[dict[str, Any]] = document["contracts"]
    return contracts


def _sell(world: World, listing: str) -> str:
    """Sell what is listed to the market's buyer; return the trade."""
    trade: str = world.market.pay(listing, world.market.buyer)
    for function in ("trade.charge", "trade.send", "trade.relay", "trade.confirm"):
        world.market.act(function, trade)
    return trade


def _copy(name: str) -> Fingerprint:
    return fingerprint(noise(crop(photo(name), 0.03), 8), quality=60)


@pytest.mark.requirement("R17")
def test_a_copy_leads_to_its_contract_and_the_sales_of_it_and_to_nobodys_name(world: World) -> None:
    market = world.market
    cat = world.register(market.seller, fingerprint(photo("chelsea"))).address
    registered_ms = world.clock()
    world.register(market.seller, fingerprint(photo("rocket")))
    (before,) = _traced(world, market.stranger, _copy("chelsea"))
    assert before == {
        "listing": cat,
        "match": "copy",
        "sales": [],
        "samples": 1,
        "since": times.to_text(registered_ms),
        "state": "LISTED",
    }
    world.wait(60)
    _sell(world, cat)
    sold_ms = world.clock()
    (after,) = _traced(world, market.stranger, fingerprint(photo("chelsea")))
    assert (after["match"], after["state"]) == ("identical", "SOLD")
    assert [set(sale) for sale in after["sales"]] == [{"at"}]
    assert abs(times.from_text(after["sales"][0]["at"]) - sold_ms) < 60_000


@pytest.mark.requirement("R17")
def test_the_supervisor_is_told_the_parties(world: World) -> None:
    market = world.market
    cat = world.register(market.seller, fingerprint(photo("chelsea"))).address
    trade = _sell(world, cat)
    (found,) = _traced(world, market.supervisor, _copy("chelsea"))
    assert found["owner"] == market.buyer.address
    (sale,) = found["sales"]
    assert (sale["trade"], sale["seller"], sale["buyer"]) == (trade, market.seller.address, market.buyer.address)


def test_a_contract_that_came_to_nothing_is_not_told(world: World) -> None:
    assert _traced(world, world.market.buyer, fingerprint(photo("chelsea"))) == []


def test_of_two_contracts_the_one_that_holds_more_of_the_samples_comes_first(world: World) -> None:
    one = world.register(world.market.seller, fingerprint(photo("chelsea"))).address
    both = world.register(
        world.market.stranger, fingerprint(photo("rocket")), fingerprint(photo("coffee")), data=b"two"
    ).address
    samples = (fingerprint(photo("chelsea")), _copy("rocket"), _copy("coffee"))
    found = _traced(world, world.market.buyer, *samples)
    assert [(contract["listing"], contract["samples"]) for contract in found] == [(both, 2), (one, 1)]


def test_a_search_is_no_trace(world: World) -> None:
    message = _asked(world, world.market.buyer, fingerprint(photo("chelsea")), typ=searches.TYP)
    with pytest.raises(MarketError) as caught:
        _tracing(world).answer(message)
    assert caught.value.code is ErrorCode.MALFORMED_REQUEST


@pytest.mark.requirement("A-31")
def test_samples_are_counted_one_by_one(world: World) -> None:
    sample = fingerprint(photo("chelsea"))
    few = replace(ALLOWANCE, samples=Quota("sample", most=3, window_ms=3_600_000))
    tracing = _tracing(world, allowance=few)
    tracing.answer(_asked(world, world.market.buyer, sample, sample))
    with pytest.raises(MarketError) as caught:
        tracing.answer(_asked(world, world.market.buyer, sample, sample))
    assert caught.value.code is ErrorCode.RATE_LIMITED
    tracing.answer(_asked(world, world.market.buyer, sample))
