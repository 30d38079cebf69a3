"""Browsing (9-1) and showing contracts: filters, pages, and what nobody is told."""

from dataclasses import asdict
from pathlib import Path

import pytest

from countermark.platform.contracts.catalogue import Catalogue, Filters
from countermark.platform.contracts.publication import PublicationJob
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.protocol import commitments
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.pictures import NAMES, fingerprint, photo
from tests.support.platform import World, application


@pytest.fixture(scope="module")
def world(shared_world: World) -> World:
    return shared_world


@pytest.fixture(scope="module")
def catalogue(world: World) -> Catalogue:
    return Catalogue(database=world.database, columns=world.columns)


@pytest.fixture(scope="module")
def listed(world: World) -> dict[str, str]:
    """Addresses of four listings by the photo's name; each costs 1,000 more than the one before."""
    addresses = {
        name: world.register(
            world.market.seller, fingerprint(photo(name)), title=f"Photo of {name}", price=1000 * number
        ).address
        for number, name in enumerate(NAMES, start=1)
    }
    PublicationJob(world.database, columns=world.columns).run_once()
    return addresses


@pytest.mark.requirement("R30")
def test_a_buyer_browses_everything_that_is_for_sale_newest_first(
    catalogue: Catalogue, listed: dict[str, str]
) -> None:
    page = catalogue.browse()
    assert [listing.address for listing in page.listings] == list(listed.values())[::-1]
    assert page.cursor == ""


@pytest.mark.requirement("R33")
def test_a_listing_shows_description_price_and_the_salt_to_check_them_with(
    catalogue: Catalogue, listed: dict[str, str]
) -> None:
    listing = catalogue.show(listed["coffee"])
    assert listing.description is not None
    assert listing.salt_d is not None
    assert (listing.description.title, listing.price) == ("Photo of coffee", 3000)
    assert commitments.commit("d", listing.salt_d, listing.description.to_bytes()) == listing.record["c_d"]


@pytest.mark.requirement("R34")
@pytest.mark.requirement("R85")
def test_a_listing_shows_nothing_of_the_fingerprint(
    world: World, catalogue: Catalogue, listed: dict[str, str]
) -> None:
    shown = repr(asdict(catalogue.show(listed["coffee"])))
    row = next(row for row in world.rows(tables.data_contracts) if row.address == listed["coffee"])
    opening = world.columns.opening(row)
    for secret in (opening.root, opening.exact, opening.salt_f, opening.salt_exact):
        assert secret.hex() not in shown
        assert b64u(secret) not in shown
        assert repr(secret) not in shown


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (Filters(max_price=2000), ["chelsea", "astronaut"]),
        (Filters(words="COFFEE"), ["coffee"]),
        (Filters(words="photo rocket"), ["rocket"]),
        (Filters(words="photo elephant"), []),
        (Filters(words="100%"), []),
        (Filters(words="_hoto"), []),
        (Filters(owner="did:key:nobody"), []),
        (Filters(state="WITHDRAWN"), []),
        (Filters(state=""), ["rocket", "coffee", "chelsea", "astronaut"]),
        (Filters(state="PENDING_FEE"), []),
    ],
)
def test_filters(catalogue: Catalogue, listed: dict[str, str], filters: Filters, names: list[str]) -> None:
    assert [listing.address for listing in catalogue.browse(filters).listings] == [listed[name] for name in names]


def test_filter_by_owner(world: World, catalogue: Catalogue, listed: dict[str, str]) -> None:
    assert len(catalogue.browse(Filters(owner=world.market.seller.address)).listings) == len(listed)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_together_hold_each_listing_once(catalogue: Catalogue, listed: dict[str, str], limit: int) -> None:
    found: list[str] = []
    cursor = ""
    while True:
        page = catalogue.browse(cursor=cursor, limit=limit)
        assert len(page.listings) <= limit
        found += [listing.address for listing in page.listings]
        cursor = page.cursor
        if not cursor:
            break
    assert found == list(listed.values())[::-1]


@pytest.mark.parametrize("cursor", ["x", "e30", "WzEsMl0", "WyJhIiwiYiJd"])
def test_a_made_up_cursor_is_refused(catalogue: Catalogue, cursor: str) -> None:
    with pytest.raises(MarketError) as caught:
        catalogue.browse(cursor=cursor)
    assert caught.value.code is ErrorCode.MALFORMED_REQUEST


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_page_has_a_size_limit(catalogue: Catalogue, limit: int) -> None:
    with pytest.raises(MarketError) as caught:
        catalogue.browse(limit=limit)
    assert caught.value.code is ErrorCode.MALFORMED_REQUEST


def test_what_waits_for_its_fee_is_shown_to_its_owner_alone(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path, {"fees": {"management": "100", "transaction_bps": 250, "arbiter": "400"}})
    address = world.register(world.market.seller, fingerprint(photo("coffee")), title="secret words").address
    assert PublicationJob(world.database, columns=world.columns).run_once() == 0
    catalogue = Catalogue(database=database, columns=world.columns)
    assert catalogue.show(address, viewer=world.market.seller.address).state == "PENDING_FEE"
    for viewer in ("", world.market.buyer.address):
        with pytest.raises(MarketError) as caught:
            catalogue.show(address, viewer=viewer)
        assert caught.value.code is ErrorCode.UNKNOWN_LISTING
    assert catalogue.browse(Filters(state="")).listings == ()
    assert "secret words" not in repr(world.rows(tables.data_contracts))


def test_a_registration_that_waits_for_the_ledger_is_shown_to_nobody(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path)
    catalogue = Catalogue(database=database, columns=world.columns)
    registered = world.registration().register(
        application(world.market.seller, fingerprint(photo("coffee")), now_ms=world.clock())
    )
    with pytest.raises(MarketError):
        catalogue.show(registered.address, viewer=world.market.seller.address)
    assert catalogue.browse(Filters(state="")).listings == ()


def test_an_erased_description_leaves_the_contract_visible(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path)
    registered = world.register(world.market.seller, fingerprint(photo("coffee")))
    with database.begin() as connection:
        connection.execute(tables.data_contracts.update().values(description=None, salt_d=None))
    shown = Catalogue(database=database, columns=world.columns).show(registered.address)
    assert (shown.description, shown.salt_d, shown.price) == (None, None, 10_001)
