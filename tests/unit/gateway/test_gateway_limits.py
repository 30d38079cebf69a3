"""Limits on what is asked: by an account, from an address, and what a refusal says of when to come again."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from countermark.client import account, deliveries, webhooks
from countermark.gateway.limits import WINDOW_MS, Limits
from countermark.gateway.services import Services
from countermark.platform.store import quotas, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.quotas import KEPT_MS, Quota, RateLimitedError
from countermark.platform.store.sql import update
from countermark.protocol import intents
from countermark.protocol.errors import ErrorCode
from tests.support.front import Front, Trader
from tests.support.market import actor
from tests.support.pictures import fingerprint, photo
from tests.support.platform import MARKET, application
from tests.unit.gateway.conftest import Sale, refused

OF_ACCOUNT, OF_ADDRESS = 4, 7
OUTSIDE = "198.51.100.7"


@pytest.fixture
def front(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """A gateway with low limits, whose windows begin with the test, so that none ends in the middle of it."""
    begun_ms = Services.clock()
    monkeypatch.setattr(Quota, "_window", lambda quota, now_ms: now_ms - (now_ms - begun_ms) % quota.window_ms)
    front = Front(database, tmp_path, limits=Limits(account=OF_ACCOUNT, address=OF_ADDRESS))
    yield front
    front.close()


def let_a_window_pass(front: Front) -> None:
    with front.services.database.begin() as connection:
        windows = tables.quotas.c.window_ms
        connection.execute(update(tables.quotas).values(window_ms=windows - WINDOW_MS))


def transfer(front: Front, who: Trader, amount: int = 1) -> str:
    """An intent of `who`."""
    return intents.sign(
        who.keys.account,
        market=MARKET,
        action="coin.transfer",
        params={"to": actor("stranger").address, "amount": str(amount)},
        issued_at_ms=front.services.clock(),
    )


def post(front: Front, who: Trader, token: str, remote: str = "127.0.0.1") -> httpx.Response:
    return front.raw(remote).post(f"/v1/accounts/{who.address}/transfers", json={"intent": token})


def assert_limited(answer: httpx.Response, policy: str, most: int) -> None:
    """It is a problem document that says which limit was used up, and when there is room again."""
    assert answer.status_code == 429, answer.text
    problem = answer.json()
    assert (problem["type"], problem["code"], problem["retryable"]) == (
        "/problems/rate_limited",
        "rate_limited",
        True,
    )
    assert answer.headers["Content-Type"] == "application/problem+json"
    wait_s = int(answer.headers["Retry-After"])
    assert 0 < wait_s <= WINDOW_MS // 1000
    assert answer.headers["RateLimit-Policy"] == f'"{policy}";q={most};w={WINDOW_MS // 1000}'
    assert answer.headers["RateLimit"] == f'"{policy}";r=0;t={wait_s}'


@pytest.fixture
def buyer(front: Front) -> Trader:
    front.world.market.mint(front.world.market.buyer, 1000)
    return front.trader("buyer")


def test_account_that_asks_for_too_much_is_told_when_to_come_again(front: Front, buyer: Trader) -> None:
    seller = front.trader("seller")
    front.world.market.mint(front.world.market.seller, 1000)
    for _ in range(OF_ACCOUNT):
        assert post(front, buyer, transfer(front, buyer)).status_code < 300
    last = transfer(front, buyer)
    assert_limited(post(front, buyer, last), "writes", OF_ACCOUNT)
    # Nobody else is kept from anything by that.
    assert post(front, seller, transfer(front, seller)).status_code < 300
    let_a_window_pass(front)
    assert post(front, buyer, last).status_code < 300


def test_intent_that_comes_again_costs_its_account_nothing(front: Front, buyer: Trader) -> None:
    """Intents can be read on the ledger: whoever sends a victim's again must not use up what the victim may ask."""
    token = transfer(front, buyer)
    answers = [post(front, buyer, token) for _ in range(3 * OF_ACCOUNT)]
    assert {answer.status_code for answer in answers} <= {200, 202}
    for _ in range(OF_ACCOUNT - 1):
        assert post(front, buyer, transfer(front, buyer)).status_code < 300
    assert_limited(post(front, buyer, transfer(front, buyer)), "writes", OF_ACCOUNT)
    assert post(front, buyer, token).status_code == 200


def test_intent_that_nobody_signed_costs_the_account_that_it_names_nothing(front: Front, buyer: Trader) -> None:
    head, payload, signature = transfer(front, buyer).split(".")
    for _ in range(2 * OF_ACCOUNT):
        assert post(front, buyer, f"{head}.{payload}.{signature[::-1]}").status_code in (400, 401)
    assert post(front, buyer, transfer(front, buyer)).status_code < 300


def test_faucet_counts_for_who_asks_it(front: Front, buyer: Trader) -> None:
    seller = front.trader("seller")
    for number in range(OF_ACCOUNT):
        account.fund(buyer.market, "1", f"buyer-{number}")
    request = buyer.http._request(
        "POST", f"/v1/accounts/{buyer.address}/fund", json={"amount": "1", "reference": "one-more"}
    )
    assert_limited(front.raw().send(request), "writes", OF_ACCOUNT)
    account.fund(seller.market, "1", "seller")


def test_webhooks_count_too(front: Front, buyer: Trader) -> None:
    for number in range(OF_ACCOUNT):
        webhooks.add(buyer.market, f"https://example.com/{number}")
    identifier = next(webhooks.mine(buyer.market))["id"]
    assert_limited(
        front.raw().send(buyer.http._request("DELETE", f"/v1/webhooks/{identifier}")), "writes", OF_ACCOUNT
    )


def test_applications_count_too(front: Front) -> None:
    seller = front.trader("seller")
    front.world.market.mint(front.world.market.seller, 1000)
    for _ in range(OF_ACCOUNT):
        assert post(front, seller, transfer(front, seller)).status_code < 300
    sealed = application(actor("seller"), fingerprint(photo("coffee")), now_ms=front.services.clock())
    assert_limited(front.raw().post("/v1/listings", json={"sealed": sealed}), "writes", OF_ACCOUNT)


def test_application_that_comes_again_too_late_costs_its_seller_nothing(front: Front) -> None:
    seller = front.trader("seller")
    front.world.market.mint(front.world.market.seller, 1000)
    old_ms = front.services.clock() - 86_400_000
    sealed = application(actor("seller"), fingerprint(photo("coffee")), now_ms=old_ms)
    for _ in range(2 * OF_ACCOUNT):
        answer = front.raw().post("/v1/listings", json={"sealed": sealed})
        assert answer.json()["code"] == "intent_expired", answer.text
    assert post(front, seller, transfer(front, seller)).status_code < 300


def test_notices_count_too(front: Front, sale: Sale) -> None:
    trade = sale.pay()
    seller = sale.seller
    # What goes before the notice is the fourth of the seller's, after his money, his listing and its fee.
    with refused(ErrorCode.RATE_LIMITED):
        sale.send(trade)
    assert front.world.rows(tables.board) == []
    let_a_window_pass(front)
    deliveries.send(seller.market, seller.keys, seller.vault, seller.trade(trade), seller.folder)
    assert len(front.world.rows(tables.board)) == 1


def test_address_that_asks_for_too_much_is_refused_before_anything_is_read(front: Front) -> None:
    for _ in range(OF_ADDRESS):
        assert front.raw(OUTSIDE).post("/v1/accounts", content=b"{").status_code == 415
    assert_limited(front.raw(OUTSIDE).post("/v1/accounts", content=b"{"), "writes_from_address", OF_ADDRESS)
    assert_limited(front.raw(OUTSIDE).delete("/v1/webhooks/x"), "writes_from_address", OF_ADDRESS)
    # To read costs nothing, and another address is another one.
    assert front.raw(OUTSIDE).get("/v1/market").status_code == 200
    assert front.raw("198.51.100.8").post("/v1/accounts", content=b"{").status_code == 415
    let_a_window_pass(front)
    assert front.raw(OUTSIDE).post("/v1/accounts", content=b"{").status_code == 415


@pytest.mark.parametrize(
    "remotes",
    [
        # Whoever has one address of a network of 64 bits has them all.
        [f"2001:db8:0:1:{number:x}::1" for number in range(OF_ADDRESS + 1)],
        [f"::ffff:{OUTSIDE}", OUTSIDE] * OF_ADDRESS,
    ],
)
def test_addresses_of_one_site_are_counted_together(front: Front, remotes: list[str]) -> None:
    statuses = [front.raw(remote).post("/v1/accounts", content=b"{").status_code for remote in remotes]
    assert statuses[: OF_ADDRESS + 1] == [415] * OF_ADDRESS + [429]


@pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_not_counted(front: Front, remote: str) -> None:
    for _ in range(OF_ADDRESS + 1):
        assert front.raw(remote).post("/v1/accounts", content=b"{").status_code == 415


def test_no_address_stands_in_the_database_in_clear(front: Front) -> None:
    front.raw(OUTSIDE).post("/v1/accounts", content=b"{")
    (row,) = front.world.rows(tables.quotas)
    assert row.kind == "writes_from_address"
    assert re.fullmatch("[0-9a-f]{64}", row.account)


def test_counts_of_past_windows_are_forgotten(front: Front) -> None:
    quota = Quota("writes", most=1, window_ms=WINDOW_MS)
    now_ms = front.services.clock()
    with front.services.database.begin() as connection:
        quota.count(connection, "early", now_ms=now_ms - KEPT_MS - WINDOW_MS)
        quota.count(connection, "late", now_ms=now_ms)
    assert quotas.forget_past(front.services.database) == 1
    assert [row.account for row in front.world.rows(tables.quotas)] == ["late"]


def test_quota_says_how_long_to_wait(database: Database) -> None:
    quota = Quota("searches", most=1, window_ms=10_000)
    with database.begin() as connection:
        quota.spend(connection, "somebody", now_ms=20_001)
        with pytest.raises(RateLimitedError) as caught:
            quota.spend(connection, "somebody", now_ms=22_500)
        quota.spend(connection, "somebody", now_ms=30_000)
    assert (caught.value.kind, caught.value.most, caught.value.wait_ms) == ("searches", 1, 7_500)


def test_description_tells_what_comes_with_a_refusal(front: Front) -> None:
    document = front.raw().get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"get", "head"}:
            assert operations[method]["responses"]["429"] == {"$ref": "#/components/responses/Problem429"}, path
    fields = set(document["components"]["responses"]["Problem429"]["headers"])
    assert fields == {"Retry-After", "RateLimit", "RateLimit-Policy"}
