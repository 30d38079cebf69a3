"""Erasure by HTTP: asked for by the owner, carried out by platform and supervisor, and what everybody sees of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countermark.client import listings, purchases, searches
from countermark.client.errors import ClientError
from countermark.gateway.member.descriptions import PlatformDescriptions
from countermark.platform.contracts.copying import CopyingJob
from countermark.platform.contracts.deposit import DepositJob
from countermark.platform.contracts.erasing import ErasureJob
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.protocol.errors import ErrorCode
from tests.fixtures.postgres import fresh_database
from tests.support.front import Front, Trader
from tests.support.market import SUPERVISOR
from tests.support.member_front import MEMBER_HOST, MemberFront
from tests.unit.gateway.conftest import Sale, refused


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    front = Front(database, tmp_path, forwards=frozenset({MEMBER_HOST}))
    yield front
    front.close()


@pytest.fixture
def member(front: Front, postgres_server: Any, migrated_template: str, tmp_path: Path) -> Iterator[MemberFront]:
    for own_database in fresh_database(postgres_server, migrated_template):
        member = MemberFront(front, own_database, tmp_path / "member")
        yield member
        member.close()


def order(sale: Sale, function: str) -> None:
    market = sale.front.world.market
    market.ask(market.supervisor, function, {"listing": sale.listing}, msp=SUPERVISOR)


def test_an_erased_listing_is_shown_without_what_was_said_of_it(sale: Sale) -> None:
    before = searches.show(sale.buyer.market, sale.listing)
    assert (before["held"], before["erased"], before["description"]["title"]) == (False, False, "An Astronaut")
    listings.withdraw(sale.seller.market, sale.listing)
    done = listings.erase(sale.seller.market, sale.listing)
    assert done.result["state"] == "WITHDRAWN"
    after = searches.show(sale.buyer.market, sale.listing)
    gone = {"state": "WITHDRAWN", "description": None, "salt_d": None, "erased": True}
    assert after == {**before, **gone}
    assert list(searches.browse(sale.buyer.market, {"q": "astronaut", "state": "any"})) == []
    assert [one["address"] for one in searches.browse(sale.buyer.market, {"state": "WITHDRAWN"})] == [sale.listing]


def test_platform_and_supervisor_are_asked_to_endorse_it_and_nobody_else(sale: Sale) -> None:
    listings.withdraw(sale.seller.market, sale.listing)
    listings.erase(sale.seller.market, sale.listing)
    asked = {row.function: row.organisations for row in sale.front.world.rows(tables.outbox)}
    assert asked["listing.erase"] == ["PlatformMSP", "SupervisorMSP"]
    assert asked["listing.withdraw"] == []


def test_a_worker_removes_what_lies_outside_the_tables(sale: Sale) -> None:
    services = sale.front.services
    given = {"objects": services.objects, "clock": services.clock}
    deposit = DepositJob(services.database, box=services.box, market=services.site.market, **given)
    assert deposit.run_once() == 1
    listings.withdraw(sale.seller.market, sale.listing)
    listings.erase(sale.seller.market, sale.listing)
    assert services.objects.size(f"fingerprints/{sale.listing}")
    assert ErasureJob(services.database, probes=services.probes, **given).run_once() == 1
    assert not services.objects.size(f"fingerprints/{sale.listing}")


def test_what_is_for_sale_is_not_erased_and_its_owner_is_told_what_he_can_do(sale: Sale) -> None:
    with refused(ErrorCode.WRONG_STATE) as refusal:
        listings.erase(sale.seller.market, sale.listing)
    assert refusal.value.extra == {"listing_state": "LISTED", "allowed": ["listing.offer", "listing.withdraw"]}
    listings.withdraw(sale.seller.market, sale.listing)
    listings.erase(sale.seller.market, sale.listing)
    with refused(ErrorCode.WRONG_STATE) as refusal:
        listings.erase(sale.seller.market, sale.listing)
    assert refusal.value.extra == {"listing_state": "WITHDRAWN", "allowed": []}


def test_others_erase_nothing(sale: Sale) -> None:
    listings.withdraw(sale.seller.market, sale.listing)
    with refused(ErrorCode.WRONG_ACTOR):
        listings.erase(sale.buyer.market, sale.listing)
    with refused(ErrorCode.UNKNOWN_LISTING):
        listings.erase(sale.buyer.market, "dc1" + "a" * 52)
    assert searches.show(sale.buyer.market, sale.listing)["description"]


@pytest.mark.requirement("R18")
def test_a_legal_hold_is_shown_and_refuses_an_erasure(sale: Sale) -> None:
    listings.withdraw(sale.seller.market, sale.listing)
    order(sale, "listing.hold")
    assert searches.show(sale.buyer.market, sale.listing)["held"] is True
    with refused(ErrorCode.LEGAL_HOLD):
        listings.erase(sale.seller.market, sale.listing)
    order(sale, "listing.release")
    assert searches.show(sale.buyer.market, sale.listing)["held"] is False
    listings.erase(sale.seller.market, sale.listing)


def test_the_buyer_of_a_thing_may_erase_it_and_its_seller_may_not(sale: Sale) -> None:
    trade = sale.pay()
    sale.send(trade)
    sale.receive(trade)
    purchases.confirm(sale.buyer.market, trade)
    with refused(ErrorCode.WRONG_ACTOR):
        listings.erase(sale.seller.market, sale.listing)
    listings.erase(sale.buyer.market, sale.listing)
    # The trade is told as before: its commitments are the contract's.
    assert sale.seller.trade(trade)["c_f"] == searches.show(sale.seller.market, sale.listing)["c_f"]


def test_nobody_buys_what_a_gateway_calls_erased(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    get = sale.buyer.http.get

    def lying(path: str, *arguments: Any, **more: Any) -> Any:
        answer = get(path, *arguments, **more)
        if path == f"/v1/listings/{sale.listing}":
            return {**answer, "erased": True, "description": None, "salt_d": None}
        return answer

    monkeypatch.setattr(sale.buyer.http, "get", lying)
    with refused(ErrorCode.NOT_FOR_SALE):
        sale.pay()


def test_a_description_that_is_withheld_without_an_erasure_is_no_description(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = sale.buyer.http.get

    def withholding(path: str, *arguments: Any, **more: Any) -> Any:
        answer = get(path, *arguments, **more)
        return {**answer, "description": None, "salt_d": None} if path.endswith(sale.listing) else answer

    monkeypatch.setattr(sale.buyer.http, "get", withholding)
    with refused(ErrorCode.COMMITMENT_MISMATCH):
        searches.show(sale.buyer.market, sale.listing)


# A member's gateway


def copied(member: MemberFront) -> int:
    services = member.services
    source = PlatformDescriptions(services.upstream)
    return CopyingJob(services.database, columns=services.columns, source=source).run_once()


@pytest.fixture
def seller(sale: Sale, member: MemberFront) -> Trader:
    """The sale's seller, who knows the member's gateway alone."""
    trader = member.trader("seller")
    sale.seller.http, sale.seller.market, sale.seller.vault = trader.http, trader.market, trader.vault
    return trader


def test_a_members_trader_erases_through_it_and_its_copy_goes_with_the_block(
    sale: Sale, seller: Trader, member: MemberFront
) -> None:
    assert copied(member) == 1
    with member.database.begin() as connection:
        (row,) = connection.execute(tables.data_contracts.select()).all()
    assert (row.search_text.split("\n")[0], row.description is None) == ("an astronaut", False)
    listings.withdraw(seller.market, sale.listing)
    assert listings.erase(seller.market, sale.listing).result["state"] == "WITHDRAWN"
    with member.database.begin() as connection:
        (row,) = connection.execute(tables.data_contracts.select()).all()
    assert (row.search_text, row.description, row.salt_d) == ("", None, None)
    assert copied(member) == 0
    member.road.requests.clear()
    shown = searches.show(seller.market, sale.listing)
    assert (shown["erased"], shown["description"]) == (True, None)
    # Nobody is asked for what is gone.
    assert [one for one in member.road.requests if one.extensions["target"].endswith(sale.listing.encode())] == []


def test_an_erasure_waits_for_a_platform_that_is_away(sale: Sale, seller: Trader, member: MemberFront) -> None:
    listings.withdraw(seller.market, sale.listing)
    member.road.closed = True
    with pytest.raises(ClientError, match=str(ErrorCode.PLATFORM_UNAVAILABLE)):
        listings.erase(seller.market, sale.listing)
    member.road.closed = False
    listings.erase(seller.market, sale.listing)
