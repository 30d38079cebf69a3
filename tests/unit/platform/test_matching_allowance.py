"""What is free of the search, what more of it costs, and what pays for it; what a sponsor's accounts may together."""

from typing import Any

import pytest

from countermark.platform.matching.allowance import Allowance, Asker, FreeQuotaError
from countermark.platform.matching.search import SampleSearch
from countermark.platform.store import tables
from countermark.platform.store.quotas import Quota, RateLimitedError
from countermark.protocol import searches
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.market import TRADER, Actor, actor
from tests.support.pictures import fingerprint, photo
from tests.support.platform import MARKET, World, sealed

LONG = 10**12
PRICE = 7


def allowance(*, free: int = 1, samples: int = 100, refusals: int = 1) -> Allowance:
    return Allowance(
        Quota("search", most=free, window_ms=LONG),
        Quota("sample", most=samples, window_ms=LONG),
        Quota("refused_listing", most=refusals, window_ms=LONG),
        PRICE,
    )


@pytest.fixture
def service(world: World) -> SampleSearch:
    world.market.mint(world.market.buyer, 1000)
    return SampleSearch(world.inquiries(allowance=allowance()))


def message(world: World, who: Actor, payment: str = "", *, samples: int = 1) -> dict[str, Any]:
    sample = fingerprint(photo("chelsea")).to_bytes()
    token = searches.sign_search(
        who.key,
        market=MARKET,
        fingerprint=sample,
        more=[sample] * (samples - 1),
        issued_at_ms=world.clock(),
        payment=payment,
    )
    return sealed(token, "search")


def refused(service: SampleSearch, inquiry: dict[str, Any]) -> MarketError:
    with pytest.raises(MarketError) as caught:
        service.answer(inquiry)
    return caught.value


def pay(world: World, who: Actor, amount: int, to: Actor | None = None) -> str:
    """The id of a transfer."""
    market = world.market
    to = to or market.platform
    params = {"to": to.address, "amount": str(amount)}
    market.ask(who, "coin.transfer", params, market.fund(who, amount))
    return str(world.channel.blocks_made[-1].transactions[0].tx_id)


@pytest.mark.requirement("A-31")
def test_above_what_is_free_a_search_costs_a_coin_that_counts_once(world: World, service: SampleSearch) -> None:
    buyer = world.market.buyer
    service.answer(message(world, buyer))
    error = refused(service, message(world, buyer))
    assert isinstance(error, FreeQuotaError)
    assert (error.code, error.price) == (ErrorCode.RATE_LIMITED, PRICE)
    assert f"{PRICE} minor units" in error.detail

    paid = message(world, buyer, pay(world, buyer, PRICE))
    service.answer(paid)
    # The same inquiry again: its answer may have been lost.
    service.answer(paid)
    (row,) = world.rows(tables.search_payments)
    again = refused(service, message(world, buyer, row.tx_id))
    assert (again.code, again.detail) == (ErrorCode.PAYMENT_INVALID, "the payment was used before")


@pytest.mark.requirement("A-31")
@pytest.mark.parametrize("case", ["unknown", "too small", "another's", "to somebody else", "no transfer", "refused"])
def test_what_does_not_pay_the_platform_buys_no_search(world: World, service: SampleSearch, case: str) -> None:
    market = world.market
    buyer, stranger = market.buyer, market.stranger
    if case == "unknown":
        txid = "ab" * 32
    elif case == "too small":
        txid = pay(world, buyer, 2 * PRICE - 1)
    elif case == "another's":
        market.mint(stranger, 100)
        txid = pay(world, stranger, 100)
    elif case == "to somebody else":
        txid = pay(world, buyer, 100, to=stranger)
    elif case == "no transfer":
        market.ask(market.issuer, "coin.mint", {"to": market.platform.address, "amount": "100", "reference": "r"})
        txid = str(world.channel.blocks_made[-1].transactions[0].tx_id)
    else:
        txid = pay(world, buyer, 100)
        with world.database.begin() as connection:
            this = tables.transactions.c.tx_id == txid
            connection.execute(tables.transactions.update().where(this).values(valid=False))
    error = refused(service, message(world, buyer, txid, samples=2))
    assert error.code is ErrorCode.PAYMENT_INVALID
    assert world.rows(tables.search_payments) == []


def test_a_search_that_is_refused_uses_up_no_payment(world: World) -> None:
    world.market.mint(world.market.buyer, 1000)
    service = SampleSearch(world.inquiries(allowance=allowance(samples=0)))
    txid = pay(world, world.market.buyer, 1000)
    assert refused(service, message(world, world.market.buyer, txid)).code is ErrorCode.RATE_LIMITED
    assert world.rows(tables.search_payments) == []


def inquire(world: World, allowed: Allowance, asker: Asker) -> None:
    with world.database.begin() as connection:
        allowed.inquire(connection, asker, 1, payment=None, payee="platform", now_ms=1)


def asker(account: str, sponsor: str = "") -> Asker:
    return Asker(account, sponsor, {})


@pytest.mark.requirement("A-31")
def test_accounts_of_one_sponsor_have_a_bound_together_that_no_money_lifts(world: World) -> None:
    for number in range(10):
        inquire(world, allowance(), asker(f"a{number}", TRADER))
    with pytest.raises(RateLimitedError) as caught:
        inquire(world, allowance(), asker("a10", TRADER))
    assert not isinstance(caught.value, FreeQuotaError)
    inquire(world, allowance(), asker("b", "OtherMSP"))
    inquire(world, allowance(), asker("c"))


@pytest.mark.requirement("A-31")
def test_accounts_that_nobody_vouches_for_have_to_pay_when_there_are_very_many(world: World) -> None:
    for number in range(100):
        inquire(world, allowance(), asker(f"a{number}"))
    with pytest.raises(FreeQuotaError):
        inquire(world, allowance(), asker("a100"))
    inquire(world, allowance(), asker("b", TRADER))


@pytest.mark.requirement("A-31")
def test_paid_searches_count_against_the_organisations_bound(world: World) -> None:
    who = actor("vouched for")
    world.market.open_account(who, sponsor=TRADER)
    world.market.mint(who, 10_000)
    service = SampleSearch(world.inquiries(allowance=allowance()))
    for _ in range(10):
        service.answer(message(world, who, pay(world, who, PRICE)))
    error = refused(service, message(world, who, pay(world, who, PRICE)))
    assert error.code is ErrorCode.RATE_LIMITED
    assert not isinstance(error, FreeQuotaError)
    assert len(world.rows(tables.search_payments)) == 10


@pytest.mark.requirement("A-31")
@pytest.mark.parametrize(("sponsor", "refuses"), [(TRADER, True), ("", False)])
def test_refusals_of_one_sponsors_accounts_add_up(world: World, sponsor: str, refuses: bool) -> None:
    allowed = allowance()
    with world.database.begin() as connection:
        for number in range(10):
            allowed.count_refusal(connection, asker(f"a{number}", sponsor), now_ms=1)
        with pytest.raises(RateLimitedError):
            allowed.check_refusals(connection, asker("a1", sponsor), now_ms=1)
        other = asker("another", sponsor)
        if refuses:
            with pytest.raises(RateLimitedError):
                allowed.check_refusals(connection, other, now_ms=1)
        else:
            allowed.check_refusals(connection, other, now_ms=1)
