"""A trader of a member organisation buys through its own gateway, the seller sells at the platform's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.platform.store.engine import Database
from tests.support.member_gateway import MemberGateway
from tests.support.photographs import photograph
from tests.support.remote import RemoteTrader, sell
from tests.support.whole_platform import Platform


@pytest.fixture
def member(platform: Platform, database: Database, tmp_path: Path) -> Iterator[MemberGateway]:
    made = MemberGateway(platform, tmp_path / "member", database._url.render_as_string(hide_password=False))
    made.start()
    try:
        yield made
    finally:
        made.stop()


def test_a_member_s_trader_buys_through_its_own_gateway_from_a_seller_at_the_platform(
    platform: Platform, member: MemberGateway, tmp_path: Path
) -> None:
    seller = RemoteTrader(platform, tmp_path / "seller", 5_000)
    buyer = RemoteTrader(member, tmp_path / "buyer", 50_000)
    photo = photograph(tmp_path / "photo.jpg", 23)
    trade = sell(seller, buyer, photo, 20_000, tmp_path / "bought.jpg")
    assert (tmp_path / "bought.jpg").read_bytes() == photo.read_bytes()
    assert buyer.trade(trade)["state"] == "SETTLED"
    assert buyer.balance() == 30_000
    assert seller.balance() == 5_000 - 100 + 20_000 - 500
