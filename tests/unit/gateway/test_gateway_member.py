"""The gateway of a member organisation: what it does, what it passes on, and what no platform keeps from it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.client import account, deliveries, disputes, listings, purchases, receiving, searches
from countermark.client.errors import ClientError
from countermark.client.trades import show
from countermark.gateway.catching_up import HEIGHT, CatchingUp
from countermark.gateway.member.descriptions import PlatformDescriptions
from countermark.platform.contracts.copying import REST_S, CopyingJob
from countermark.platform.deadlines.watchdog import WatchdogJob
from countermark.platform.jobs.acts import Calling
from countermark.platform.relay.transmission import RelayJob
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Connection, select
from countermark.protocol import intents
from countermark.protocol.errors import ErrorCode
from tests.fixtures.postgres import fresh_database
from tests.support.front import URL, Front, Trader
from tests.support.market import actor
from tests.support.member_front import MEMBER_HOST, MemberFront
from tests.support.platform import MARKET
from tests.unit.gateway.conftest import Sale, refused


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    front = Front(database, tmp_path, forwards=frozenset({MEMBER_HOST}))
    yield front
    front.close()


@pytest.fixture
def own_database(postgres_server: Any, migrated_template: str) -> Iterator[Database]:
    yield from fresh_database(postgres_server, migrated_template)


@pytest.fixture
def member(front: Front, own_database: Database, tmp_path: Path) -> Iterator[MemberFront]:
    member = MemberFront(front, own_database, tmp_path / "member")
    yield member
    member.close()


@pytest.fixture
def buyer(sale: Sale, member: MemberFront) -> Trader:
    """The sale's buyer, who knows the member's gateway alone."""
    trader = member.trader("buyer")
    sale.buyer.http, sale.buyer.market, sale.buyer.vault = trader.http, trader.market, trader.vault
    return trader


def copy(member: MemberFront) -> int:
    services = member.services
    source = PlatformDescriptions(services.upstream)
    return CopyingJob(services.database, columns=services.columns, source=source).run_once()


def notices(front: Front) -> list[str]:
    return [row.kind for row in front.world.rows(tables.board)]


def test_member_s_trader_buys_from_a_seller_at_the_platform(sale: Sale, buyer: Trader, member: MemberFront) -> None:
    assert copy(member) == 1
    assert sale.listing in [item["address"] for item in searches.browse(buyer.market, {"q": "astronaut"})]
    assert searches.by_sample(buyer.market, buyer.keys, sale.front.photograph) == [sale.listing]
    (traced,) = searches.trace(buyer.market, buyer.keys, sale.front.photograph)
    assert traced["listing"] == sale.listing
    trade = sale.pay()
    sale.send(trade)
    assert sale.receive(trade).path.read_bytes() == sale.front.photograph.read_bytes()
    purchases.confirm(buyer.market, trade)
    assert buyer.trade(trade)["state"] == sale.seller.trade(trade)["state"] == "SETTLED"
    assert account.balance(buyer.market) == 50_000 - 10_001
    assert [entry["kind"] for entry in buyer.market.pages("/v1/board")] == ["buyer_notice"]


def test_member_s_trader_sells_to_a_buyer_at_the_platform(front: Front, member: MemberFront) -> None:
    seller, buyer = member.trader("seller"), front.trader("buyer")
    for who in (seller, buyer):
        account.fund(who.market, "50000", f"deposit-{who.address[-6:]}")
    words, terms = listings.Words(title="An Astronaut"), listings.Terms(10_001, {})
    made = listings.create(seller.market, seller.vault, front.photograph, terms, words)
    listing = str(made.result["id"])
    # Its own description, which is not public yet, is the platform's to tell.
    assert searches.show(seller.market, listing)["description"]["title"] == "An Astronaut"
    listings.charge(seller.market, listing)
    front.work()
    sale = Sale(front, seller, buyer, listing)
    trade = sale.pay()
    sale.send(trade)
    sale.receive(trade)
    purchases.confirm(buyer.market, trade)
    assert seller.trade(trade)["state"] == "SETTLED"


def test_member_s_traders_settle_a_dispute_by_a_remedy(sale: Sale, buyer: Trader, member: MemberFront) -> None:
    copy(member)
    trade, seller = sale.pay(), member.trader("seller")
    sale.send(trade)
    purchases.dispute(buyer.market, trade, "undecryptable")
    disputes.open_key(buyer.market, buyer.vault, buyer.trade(trade))
    vault, shown = sale.seller.vault, seller.trade(trade)
    deliveries.send(seller.market, seller.keys, vault, shown, seller.folder, delivery=deliveries.REMEDY)
    assert seller.http.head(f"/v1/trades/{trade}/remedy/package")["Upload-Offset"] != "0"
    sale.front.work()
    out, downloads = buyer.folder / "bought", buyer.folder / "downloads"
    shown, remedy = buyer.trade(trade), deliveries.REMEDY
    received = receiving.fetch(buyer.market, buyer.vault, shown, out, downloads, delivery=remedy)
    assert received.verdict == "match"
    purchases.accept(buyer.market, trade)
    assert buyer.trade(trade)["outcome"] == sale.seller.trade(trade)["outcome"] == "remedied"
    assert notices(sale.front) == ["seller_notice", "seller_notice"]


def test_platform_that_is_away_keeps_no_trader_from_acting(sale: Sale, buyer: Trader, member: MemberFront) -> None:
    copy(member)
    member.road.closed = True
    seller = member.trader("seller")
    trade = sale.pay()
    assert buyer.trade(trade)["state"] == "PAID"
    deliveries.charge(seller.market, show(seller.market, trade))
    assert account.balance(seller.market) > 0
    deliveries.cancel(seller.market, trade)
    assert show(buyer.market, trade)["state"] == "REFUNDED"
    account.transfer(buyer.market, seller.address, "5")
    with refused(ErrorCode.PLATFORM_UNAVAILABLE) as caught:
        buyer.http.get("/v1/board")
    assert caught.value.retryable
    assert caught.value.status == 503


def test_sealed_notice_whose_platform_was_away_comes_to_the_board_when_that_is_back(
    sale: Sale, buyer: Trader, member: MemberFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.client.http.FIRST_PAUSE_S", 0)
    trade = sale.pay()
    seller = member.trader("seller")
    deliveries.charge(seller.market, show(seller.market, trade))

    def send() -> None:
        shown = show(seller.market, trade)
        deliveries.send(seller.market, seller.keys, sale.seller.vault, shown, seller.folder)

    seller.market = type(seller.market)(seller.http, actor("seller").key, vault=sale.seller.vault)
    member.road.closed = True
    with pytest.raises(ClientError, match=r"platform_unavailable"):
        send()
    # The deadline by which he had to send is kept all the same.
    assert show(seller.market, trade)["state"] == "UPLOADED"
    assert notices(sale.front) == []
    member.road.closed = False
    # By now the intent has expired, and the notice is as old.
    later = sale.front.services.clock() + 3_600_000
    monkeypatch.setattr(sale.front.services.notices, "_clock", lambda: later)
    seller.market.now = lambda: later
    send()
    assert notices(sale.front) == ["seller_notice"]
    sale.front.work()
    assert show(buyer.market, trade)["state"] == "SENT"
    assert sale.seller.vault.get("receipts", f"{trade}-seller") is not None


def test_remedy_whose_platform_was_away_is_on_the_ledger_and_goes_on_when_that_is_back(
    sale: Sale, buyer: Trader, member: MemberFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.client.http.FIRST_PAUSE_S", 0)
    trade, seller = sale.pay(), member.trader("seller")
    sale.send(trade)
    purchases.dispute(buyer.market, trade, "undecryptable")
    disputes.open_key(buyer.market, buyer.vault, buyer.trade(trade))
    seller.market = type(seller.market)(seller.http, actor("seller").key, vault=sale.seller.vault)

    def remedy() -> None:
        shown = show(seller.market, trade)
        market, vault = seller.market, sale.seller.vault
        deliveries.send(market, seller.keys, vault, shown, seller.folder, delivery=deliveries.REMEDY)

    member.road.closed = True
    with pytest.raises(ClientError, match=r"platform_unavailable"):
        remedy()
    assert show(seller.market, trade)["remedy"]["root"]
    assert notices(sale.front) == ["seller_notice"]
    sale.front.work()
    member.road.closed = False
    remedy()
    assert notices(sale.front) == ["seller_notice", "seller_notice"]
    sale.front.work()
    assert show(buyer.market, trade)["remedy"]["relayed_at"]
    assert sale.seller.vault.get("receipts", f"{trade}-remedy") is not None


def test_same_intent_through_both_gateways_has_one_effect_and_one_answer(
    sale: Sale, buyer: Trader, member: MemberFront
) -> None:
    params = {"to": actor("seller").address, "amount": "7"}
    bodies = [
        {
            "intent": intents.sign(
                actor("buyer").key,
                market=MARKET,
                action="coin.transfer",
                params=params,
                issued_at_ms=member.services.clock(),
            )
        }
        for _ in range(2)
    ]
    path, headers = f"/v1/accounts/{buyer.address}/transfers", {"Prefer": "wait=10"}
    before = account.balance(buyer.market)
    for body, order in zip(bodies, ((member, sale.front), (sale.front, member)), strict=True):
        answers = [gateway.raw().post(path, json=body, headers=headers) for gateway in (*order, *order)]
        assert {one.status_code for one in answers} == {200}
        assert len({one.text for one in answers}) == 1
        assert answers[0].json()["state"] == "committed"
    assert account.balance(buyer.market) == before - 14


def test_replay_that_only_the_ledger_knows_of_is_answered_as_the_first_gateway_did(
    sale: Sale, buyer: Trader, member: MemberFront
) -> None:
    """The other gateway's block is yet to be read here: the chaincode meets the copy, and says what it did."""
    token = intents.sign(
        actor("buyer").key,
        market=MARKET,
        action="coin.transfer",
        params={"to": actor("seller").address, "amount": "7"},
        issued_at_ms=member.services.clock(),
    )
    path, headers = f"/v1/accounts/{buyer.address}/transfers", {"Prefer": "wait=2"}
    sale.front.channel.others.clear()
    first = sale.front.raw().post(path, json={"intent": token}, headers=headers).json()
    pending = member.raw().post(path, json={"intent": token}, headers=headers)
    assert (pending.status_code, pending.json()["txid"]) == (202, first["txid"])
    sale.front.channel.others.append(member.projector)
    sale.front.channel.project()
    assert member.raw().post(path, json={"intent": token}, headers=headers).json() == first


def test_committed_is_said_only_when_the_member_s_own_tables_have_it(
    sale: Sale, buyer: Trader, member: MemberFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.gateway.member.passing._SEEN_WITHIN_S", 0.0)
    sale.front.channel.others.clear()
    request = buyer.http._request(
        "POST", f"/v1/accounts/{buyer.address}/fund", json={"amount": "5", "reference": "another"}
    )
    request.headers["Prefer"] = "wait=1"
    answer = member.raw().send(request)
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["result"]) == ("pending", None)
    # Who asks again is not told by the platform what he cannot see here.
    assert member.raw().get(answer.headers["Location"]).json()["state"] == "pending"
    sale.front.channel.others.append(member.projector)
    sale.front.channel.project()
    assert member.raw().get(answer.headers["Location"]).json()["state"] == "committed"


def relay(front: Front) -> None:
    RelayJob(front.world.acting, front.services.board, front.services.upload).run_once()
    front.services.submitter.run_once()


@contextmanager
def behind(front: Front, seconds: float = 1.0) -> Iterator[None]:
    """Have the platform's tables get no block for some seconds, while the member's get all."""
    channel = front.channel
    projector, channel.projector = channel.projector, None

    def catch_up() -> None:
        with channel._guard:
            channel.projector = projector
            channel.project()

    timer = threading.Timer(seconds, catch_up)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_buyer_whose_gateway_has_read_the_relay_first_is_not_refused_the_package(
    sale: Sale, buyer: Trader, front: Front, member: MemberFront
) -> None:
    trade, seller = sale.pay(), sale.seller
    deliveries.charge(seller.market, seller.trade(trade))
    deliveries.send(seller.market, seller.keys, seller.vault, seller.trade(trade), seller.folder)
    with behind(front):
        relaying = threading.Thread(target=relay, args=(front,))
        relaying.start()
        while buyer.trade(trade)["state"] != "SENT":
            time.sleep(0.01)  # between questions to a gateway, which tells by nothing else
        assert sale.seller.trade(trade)["state"] == "UPLOADED"
        out = buyer.folder / "bought"
        receiving.fetch(buyer.market, buyer.vault, buyer.trade(trade), out, buyer.folder / "downloads")
        relaying.join()
    assert out.read_bytes() == front.photograph.read_bytes()


def test_notice_on_what_the_platform_has_not_read_yet_is_not_refused(
    sale: Sale, front: Front, member: MemberFront
) -> None:
    trade, seller = sale.pay(), member.trader("seller")
    with behind(front):
        deliveries.charge(seller.market, seller.trade(trade))
        deliveries.send(seller.market, seller.keys, sale.seller.vault, seller.trade(trade), seller.folder)
    assert notices(front) == ["seller_notice"]


def test_platform_waits_for_what_it_has_not_read_but_not_long_and_for_nothing_else(
    sale: Sale, buyer: Trader, front: Front, member: MemberFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.gateway.catching_up.LONGEST_S", 1.0)

    def seconds(path: str, height: str) -> float:
        began = time.monotonic()
        assert front.raw().get(path, headers={HEIGHT: height}).status_code in (200, 401)
        return time.monotonic() - began

    assert seconds("/v1/board", "9" * 15) >= 1.0
    assert seconds("/v1/market", "9" * 15) < 0.5
    for height in ("1", "-1", "x", "9" * 16):
        assert seconds("/v1/board", height) < 0.5
    # What a trader writes there himself goes no further.
    request = buyer.http._request("GET", "/v1/board", headers={HEIGHT: "9" * 15})
    assert member.raw().send(request).status_code == 200
    heights = member.road.requests[-1].headers.get_list(HEIGHT)
    assert heights == [str(len(front.channel.blocks_made))]


def test_no_more_requests_wait_than_there_are_places_for(front: Front) -> None:
    """Whoever sends heights that nobody has reached keeps the others no thread."""
    catching_up = CatchingUp(front.services.bell, most=2)
    waiting = [threading.Thread(target=catching_up.wait, args=("9" * 15,)) for _ in range(2)]
    for one in waiting:
        one.start()
    while catching_up._places._value:
        time.sleep(0.01)  # the semaphore tells nobody when it is full
    began = time.monotonic()
    catching_up.wait("9" * 15)
    assert time.monotonic() - began < 1.0
    assert all(one.is_alive() for one in waiting)
    front.services.bell.close()  # whoever waits gives up
    for one in waiting:
        one.join()


@pytest.mark.parametrize(
    ("forwards", "authority", "path", "taken"),
    [
        ({MEMBER_HOST}, MEMBER_HOST, "/v1/board", True),
        ({MEMBER_HOST}, MEMBER_HOST.upper(), "/v1/board", True),
        (set(), MEMBER_HOST, "/v1/board", False),
        ({"member.example"}, MEMBER_HOST, "/v1/board", False),
        ({MEMBER_HOST}, "member.example:8444", "/v1/board", False),
        ({MEMBER_HOST}, "member.example", "/v1/board", False),
        ({MEMBER_HOST}, f"x.{MEMBER_HOST}", "/v1/board", False),
        # What members' gateways answer themselves is nothing that they pass on.
        ({MEMBER_HOST}, MEMBER_HOST, "/v1/trades", False),
        ({MEMBER_HOST}, MEMBER_HOST, f"/v1/accounts/{actor('buyer').address}", False),
    ],
)
def test_platform_takes_what_was_signed_for_a_member_that_it_names_and_nothing_else(
    database: Database, tmp_path: Path, forwards: set[str], authority: str, path: str, taken: bool
) -> None:
    front = Front(database, tmp_path, forwards=frozenset(forwards))
    signing = front.http(actor("buyer"))
    signing._client.base_url = httpx.URL(f"https://{authority}")
    request = signing._request("GET", path)
    answer = front.raw().send(httpx.Request("GET", f"{URL}{path}", headers=request.headers))
    front.close()
    assert answer.status_code == (200 if taken else 401)


def test_request_signed_for_a_member_counts_once_at_the_platform(sale: Sale, buyer: Trader, front: Front) -> None:
    request = buyer.http._request("GET", "/v1/board")
    sent = httpx.Request("GET", f"{URL}/v1/board", headers=request.headers)
    assert [front.raw().send(sent).status_code for _ in range(2)] == [200, 401]


def test_requests_go_on_as_they_came_and_refusals_come_back_as_they_are(
    sale: Sale, buyer: Trader, front: Front, member: MemberFront
) -> None:
    body = {"sealed": {"not": "sealed"}}
    hop = {"Connection": "close, X-Hop", "X-Hop": "1", "TE": "trailers", "X-End": "2"}
    theirs = front.raw().post("/v1/searches?a=%2F%C3%A9", json=body)
    ours = member.raw().post("/v1/searches?a=%2F%C3%A9", json=body, headers=hop)
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)
    assert ours.headers["Content-Type"] == "application/problem+json"
    (passed,) = member.road.requests
    assert passed.extensions["target"] == b"/v1/searches?a=%2F%C3%A9"
    assert passed.headers["Host"] == MEMBER_HOST
    assert passed.headers["X-End"] == "2"
    assert not {"x-hop", "te", "connection"} & {name.lower() for name in passed.headers}
    assert passed.headers["Via"] == "1.1 countermark"


def test_member_s_gateway_whose_platform_is_a_member_s_again_refuses_instead_of_going_round(
    sale: Sale, member: MemberFront
) -> None:
    answer = member.raw().post("/v1/searches", json={"sealed": {}}, headers={"Via": "1.1 countermark"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert member.road.requests == []


def test_body_that_is_too_long_is_not_passed_on(sale: Sale, member: MemberFront) -> None:
    answer = member.raw().post("/v1/searches", content=b"x" * ((1 << 20) + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert member.road.requests == []


def test_description_is_copied_only_if_the_ledger_commits_to_it(
    sale: Sale, member: MemberFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lying(PlatformDescriptions):
        def tell(self, address: str) -> Any:
            told = super().tell(address)
            assert told is not None
            return type(told)(type(told.description)("image/jpeg", 1, 1, title="Free Money"), told.salt_d)

    services = member.services
    job = CopyingJob(services.database, columns=services.columns, source=Lying(services.upstream))
    assert job.run_once() == 0
    assert services.catalogue.show(sale.listing).description is None
    assert copy(member) == 1
    described = services.catalogue.show(sale.listing).description
    assert described is not None
    assert described.title == "An Astronaut"


def test_platform_that_does_not_tell_descriptions_is_left_alone_for_a_while(sale: Sale, member: MemberFront) -> None:
    services, now = member.services, [0.0]
    source = PlatformDescriptions(services.upstream)
    job = CopyingJob(services.database, columns=services.columns, source=source, now=lambda: now[0])
    member.road.closed = True
    assert job.run_once() == 0
    member.road.closed = False
    assert job.run_once() == 0
    now[0] += REST_S
    assert job.run_once() == 1


def test_erased_description_is_not_asked_for_again(sale: Sale, member: MemberFront) -> None:
    with sale.front.services.database.begin() as connection:
        _erase(connection)
    assert [copy(member), copy(member)] == [1, 0]
    assert member.services.catalogue.show(sale.listing).description is None


def _erase(connection: Connection) -> None:
    contracts = tables.data_contracts
    connection.execute(contracts.update().values(description=None, salt_d=None, search_text=None, fingerprint=None))


def test_listing_is_shown_without_its_description_while_nobody_tells_it(
    sale: Sale, buyer: Trader, member: MemberFront
) -> None:
    member.road.closed = True
    shown = buyer.http.get(f"/v1/listings/{sale.listing}")
    assert (shown["description"], shown["state"], shown["offer"]["price"]) == (None, "LISTED", "10001")


def test_member_s_worker_enforces_what_the_platform_leaves(sale: Sale, buyer: Trader, member: MemberFront) -> None:
    """Else a platform that does nothing could keep the buyer's money for ever."""
    trade = sale.pay()
    services = member.services
    with services.database.autocommit() as connection:
        deadline_ms = connection.execute(select(tables.trades.c.deadline_ms)).scalar_one()
    due_ms = deadline_ms + sale.front.world.market.config["guard"] * 1000
    now = [due_ms]
    calling = Calling(services.database, services.outbox, services.submitter, lambda: now[0])
    sale.front.channel.now_ms = due_ms
    job = WatchdogJob(calling, later_ms=15_000)
    assert job.run_once() == 0
    now[0] += 15_000
    assert job.run_once() == 1
    assert buyer.trade(trade)["state"] == "REFUNDED"


def test_member_s_gateway_is_ready_without_store_and_index(member: MemberFront) -> None:
    ready = member.raw().get("/readyz")
    assert ready.status_code == 200, ready.text
    assert (ready.json()["store"], ready.json()["index"]) == ("none", {"stale_rows": None})


def test_strangers_learn_nothing_of_a_trade_through_another_member_s_gateway(
    sale: Sale, buyer: Trader, member: MemberFront
) -> None:
    trade = sale.pay()
    with refused(ErrorCode.UNKNOWN_TRADE):
        member.trader("stranger").trade(trade)
