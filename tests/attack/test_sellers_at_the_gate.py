"""What a seller tries at the gate: to sell again what is his no more, and to keep it busy."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from countermark.fingerprint import Fingerprint
from countermark.platform.matching.allowance import REFUSALS
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.postgres import EmbeddedPostgres
from countermark.protocol.errors import ErrorCode, MarketError
from tests.fixtures.postgres import fresh_database
from tests.support.market import TRADER, config_json, refused
from tests.support.pictures import crop, fingerprint, photo
from tests.support.platform import World

Copies = Callable[[Image.Image], Sequence[Fingerprint]]

COPIES: dict[str, Copies] = {
    "as it is": lambda sold: [fingerprint(sold)],
    "cropped": lambda sold: [fingerprint(crop(sold, 0.05))],
    "flipped": lambda sold: [fingerprint(ImageOps.mirror(sold))],
    "re-encoded": lambda sold: [fingerprint(sold, quality=40)],
    "inside a collection": lambda sold: [
        *(fingerprint(photo(name)) for name in ("rocket", "coffee")),
        fingerprint(sold),
    ],
}
"""What he applies with, by what he has done to the picture."""


@pytest.fixture(scope="module")
def sold(
    postgres_server: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, str]]:
    """A world in which the picture "chelsea" was sold, and its contract."""
    for database in fresh_database(postgres_server, migrated_template):
        world = World(database, tmp_path_factory.mktemp("world"))
        address = world.register(world.market.seller, fingerprint(photo("chelsea"))).address
        trade = world.market.bring_to("MATCHED", address)
        world.market.act("trade.confirm", trade)
        yield world, address


@pytest.mark.requirement("R65")
@pytest.mark.parametrize("how", COPIES)
def test_seller_resells_what_he_sold(sold: tuple[World, str], how: str) -> None:
    world, address = sold
    with refused(ErrorCode.SIMILAR_REGISTERED):
        world.register(world.market.seller, *COPIES[how](photo("chelsea")))
    with refused(ErrorCode.WRONG_ACTOR):
        world.market.ask(world.market.seller, "listing.withdraw", {"listing": address})
    assert [row.owner for row in world.rows(tables.data_contracts)] == [world.market.buyer.address]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)


@pytest.mark.requirement("A-31")
def test_seller_floods_the_gate(world: World) -> None:
    """His refusals run out, and nobody else waits for that."""
    market, victim, other = world.market, fingerprint(photo("chelsea")), fingerprint(photo("rocket"))
    world.register(market.seller, victim)
    told = []
    for _ in range(REFUSALS.most + 3):
        with pytest.raises(MarketError) as caught:
            world.register(market.stranger, victim)
        told.append(caught.value.code)
    assert told == [ErrorCode.SIMILAR_REGISTERED] * REFUSALS.most + [ErrorCode.RATE_LIMITED] * 3
    with refused(ErrorCode.RATE_LIMITED):
        world.register(market.stranger, other)
    assert len(world.rows(tables.registrations)) == 1 + REFUSALS.most, "what is not answered is not kept"
    world.register(market.buyer, other)


def test_seller_floods_the_gate_with_what_is_new(database: Database, tmp_path: Path) -> None:
    """What passes costs the management fee, or is void and was never on the market."""
    fees = {**config_json()["fees"], "management": "100"}
    world = World(database, tmp_path, {"fees": fees})
    address = world.register(world.market.seller, fingerprint(photo("coffee"))).address
    with refused(ErrorCode.NOT_FOR_SALE):
        world.market.pay(address)
    world.market.expire()
    assert world.market.backend.submit(TRADER, "listing.enforce", address)["state"] == "VOID"
