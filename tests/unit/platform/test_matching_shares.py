"""How much of somebody else's a collection may hold (A-09): a pirate's sets, and honest ones."""

import pytest

from countermark.fingerprint.collection.v1 import SHARES
from countermark.platform.matching.candidates import Candidate, Offered, Standing
from countermark.platform.matching.decision import Decision, Outcome, approve, decide
from countermark.platform.matching.likeness import Item
from countermark.platform.matching.policy import POLICY

SELLER, VICTIM = "did:key:seller", "did:key:victim"
ALLOWED, REVIEW, REFUSED = Decision.ALLOWED, Decision.UNDER_REVIEW, Decision.SIMILAR_REGISTERED


def item(number: int) -> Item:
    return ("image", number)


def offered(count: int, others_before: int = 0) -> Offered:
    return Offered(SELLER, frozenset(map(item, range(count))), others_before)


def holding(
    count: int,
    of: int,
    *,
    owner: str = VICTIM,
    where: Standing = Standing.ON_MARKET,
    address: str = "dc1a",
    first: int = 0,
    taken: int = 0,
) -> Candidate:
    """A registration of `of` items, of which `count` are at hand from `first` on; `taken` more were so before."""
    copies = frozenset((item(first + number), item(number)) for number in range(count))
    before = frozenset(item(count + number) for number in range(taken))
    return Candidate(address, owner, where, of, copies=copies, taken=before)


@pytest.mark.requirement("A-09")
@pytest.mark.parametrize(
    ("at_hand", "count", "of", "decision"),
    [
        pytest.param(100, 100, 100, REFUSED, id="all of another's"),
        pytest.param(100, 40, 1000, REFUSED, id="40 % of the set"),
        pytest.param(100, 20, 1000, REFUSED, id="exactly the share from which it is refused"),
        pytest.param(100, 19, 1000, REVIEW, id="just below"),
        pytest.param(100, 15, 1000, REVIEW, id="15 % of the set"),
        pytest.param(100, 5, 1000, REVIEW, id="exactly the share from which a person looks"),
        pytest.param(100, 4, 1000, ALLOWED, id="just below that"),
        pytest.param(10_000, 50, 50, REFUSED, id="another's whole set among ten thousand"),
        pytest.param(10_000, 1, 1, REFUSED, id="one photograph that another sells alone"),
        pytest.param(10_000, 10, 50, REFUSED, id="a fifth of another's set among ten thousand"),
        pytest.param(10_000, 5, 50, REVIEW, id="a tenth of another's set among ten thousand"),
        pytest.param(10_000, 2, 8, REVIEW, id="two of another's eight: a share, but few"),
        pytest.param(100_000, 200, 100_000, REFUSED, id="two hundred items, however small the share"),
        pytest.param(100_000, 50, 100_000, REVIEW, id="fifty items, however small the share"),
        pytest.param(100_000, 49, 100_000, ALLOWED, id="less"),
        pytest.param(4, 1, 1000, REFUSED, id="one of four"),
    ],
)
def test_a_set_that_holds_items_of_another(at_hand: int, count: int, of: int, decision: Decision) -> None:
    outcome = decide(offered(at_hand), [holding(count, of)])
    assert outcome.decision is decision
    assert [(share.mine, share.items) for share in outcome.shares] == [(count, of)]


@pytest.mark.requirement("A-09")
def test_a_mixture_of_many_owners_is_added_up() -> None:
    victims = [holding(4, 1000, owner=f"did:key:{n}", address=f"dc1{n}", first=4 * n) for n in range(5)]
    assert decide(offered(100), victims).decision is REFUSED
    assert decide(offered(100), victims[:1]).decision is ALLOWED


@pytest.mark.requirement("A-09")
def test_a_set_that_is_taken_in_thin_cuts_adds_up() -> None:
    assert decide(offered(1000), [holding(4, 100)]).decision is ALLOWED
    assert decide(offered(1000), [holding(4, 100, taken=12)]).decision is REVIEW
    assert decide(offered(1000), [holding(4, 100, taken=16)]).decision is REFUSED
    assert decide(offered(1000, others_before=196), [holding(4, 10_000)]).decision is REFUSED


@pytest.mark.requirement("A-09")
def test_an_honest_set_of_common_items_is_not_refused() -> None:
    owners = [holding(30, 600, owner=f"did:key:{n}", address=f"dc1{n}") for n in range(POLICY.common_owners)]
    assert decide(offered(100), owners).decision is ALLOWED
    assert decide(offered(30), owners).decision is ALLOWED
    assert decide(offered(100), owners[:-1]).decision is REFUSED


def test_a_single_thing_is_its_owners_however_many_they_are() -> None:
    owners = [holding(1, 600, owner=f"did:key:{n}", address=f"dc1{n}") for n in range(5)]
    assert decide(offered(1), owners).decision is REFUSED


def test_what_is_said_of_two_collections_offline_is_what_the_gate_goes_by() -> None:
    assert (SHARES.match, SHARES.review) == (POLICY.refuse_share, POLICY.review_share)


def test_items_in_doubt_are_looked_at_only_when_they_are_many() -> None:
    def doubtful(count: int) -> Candidate:
        return Candidate("dc1a", VICTIM, Standing.ON_MARKET, 1000, doubted=frozenset(map(item, range(count))))

    assert decide(offered(100), [doubtful(19)]).decision is ALLOWED
    assert decide(offered(100), [doubtful(20)]).decision is REVIEW
    assert approve(offered(100), [doubtful(20)]).decision is ALLOWED
    assert approve(offered(100), [holding(20, 1000)]).decision is REFUSED


def own(count: int, of: int, where: Standing, address: str = "dc1o", first: int = 0) -> Candidate:
    return holding(count, of, owner=SELLER, where=where, address=address, first=first)


@pytest.mark.requirement("A-09")
@pytest.mark.parametrize(
    ("at_hand", "count", "of", "where", "decision"),
    [
        pytest.param(10, 10, 100, Standing.OFF_MARKET, ALLOWED, id="a part of what one bought"),
        pytest.param(200, 100, 100, Standing.OFF_MARKET, ALLOWED, id="what one bought, and more"),
        pytest.param(100, 100, 100, Standing.OFF_MARKET, Decision.RELIST_EXISTING, id="all of what one bought"),
        pytest.param(100, 98, 100, Standing.OFF_MARKET, Decision.RELIST_EXISTING, id="nearly all of it"),
        pytest.param(10, 10, 100, Standing.ON_MARKET, Decision.ALREADY_LISTED, id="a part of what is offered"),
        pytest.param(100, 5, 100, Standing.ON_MARKET, Decision.ALREADY_LISTED, id="something of what is offered"),
        pytest.param(100, 2, 100, Standing.ON_MARKET, ALLOWED, id="a licence text and a read-me in both"),
        pytest.param(10, 10, 100, Standing.PARTITIONED, ALLOWED, id="a part of what one has split"),
        pytest.param(100, 100, 100, Standing.PARTITIONED, Decision.ALREADY_REGISTERED, id="all of it again"),
    ],
)
def test_a_set_that_holds_items_of_ones_own(
    at_hand: int, count: int, of: int, where: Standing, decision: Decision
) -> None:
    outcome = decide(offered(at_hand), [own(count, of, where)])
    assert outcome.decision is decision
    splits = decision is ALLOWED and count > POLICY.few
    assert outcome.overlaps == (("dc1o",) if splits else ())


@pytest.mark.requirement("A-09")
def test_who_has_sold_a_part_of_what_he_split_does_not_sell_it_twice() -> None:
    whole = own(10, 100, Standing.PARTITIONED)
    sold = holding(10, 10, owner="did:key:buyer", where=Standing.OFF_MARKET, address="dc1p")
    assert decide(offered(10), [whole, sold]).decision is REFUSED


@pytest.mark.requirement("A-09")
def test_who_has_bought_a_part_is_not_refused_for_the_whole_that_it_was_split_from() -> None:
    whole = holding(5, 100, where=Standing.PARTITIONED)
    bought = own(5, 10, Standing.OFF_MARKET)
    outcome = decide(offered(5), [whole, bought])
    assert outcome == Outcome(ALLOWED, overlaps=("dc1o",), shares=outcome.shares)
