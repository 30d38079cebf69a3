"""Webhooks from registration to the receiver: whose events, in which order, how often, and when no more."""

import logging
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.client import webhooks
from countermark.gateway import courier, signatures
from countermark.gateway.courier import HttpsCourier
from countermark.gateway.worker import Worker
from countermark.platform.ports import DeliveryError
from countermark.platform.projection.news import mark_webhooks
from countermark.platform.store import channels, tables
from countermark.platform.store.sql import text, update
from countermark.platform.views import events
from countermark.platform.webhooks import delivering, schedule
from countermark.platform.webhooks.delivering import LANES, Deliveries
from countermark.platform.webhooks.hooks import MOST_PER_ACCOUNT
from countermark.platform.webhooks.targets import Target
from countermark.protocol.errors import ErrorCode
from tests.fixtures.ledger import Crash
from tests.support.front import MANAGEMENT_FEE, URL, Front, Trader
from tests.support.locks import await_waiter
from tests.support.market import Actor
from tests.support.platform import MARKET
from tests.support.receiver import LOOPBACK, HookServer
from tests.unit.gateway.conftest import refused


@pytest.fixture
def front(database: Any, tmp_path: Path) -> Iterator[Front]:
    front = Front(database, tmp_path, webhooks_allow=LOOPBACK.allowed)
    yield front
    front.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HookServer]:
    server = HookServer(tmp_path / "receiver")
    yield server
    server.stop()


def deliveries(front: Front, carrier: Any) -> Deliveries:
    return Deliveries(front.services.database, front.services.webhooks, carrier, market=MARKET)


def mint(front: Front, who: Actor, *amounts: int) -> None:
    for amount in amounts:
        front.world.market.mint(who, amount)


def own_events(front: Front, who: Trader, after: int = 0) -> list[int]:
    with front.services.database.begin() as connection:
        return [event.seq for event in events.own_after(connection, after, account=who.address, most=1000)]


def let_rests_pass(front: Front) -> None:
    """Bring the present to where every rest and every lease of today has ended."""
    with front.services.database.begin() as connection:
        connection.execute(update(tables.webhooks).values(due_ms=0, lease_until_ms=0))


def standing(who: Trader) -> dict[str, Any]:
    (hook,) = webhooks.mine(who.market)
    return hook


# Registering


def test_registered_once_however_often_it_is_asked(front: Front) -> None:
    buyer = front.trader("buyer")
    request = buyer.http._request("POST", "/v1/webhooks", json={"url": "https://example.com/told"})
    first = front.raw().send(request)
    assert (first.status_code, first.headers["Location"]) == (201, f"/v1/webhooks/{first.json()['id']}")
    again = buyer.http._request("POST", "/v1/webhooks", json={"url": "https://EXAMPLE.com:443/told"})
    second = front.raw().send(again)
    assert (second.status_code, second.json()) == (200, first.json())
    assert list(webhooks.mine(buyer.market)) == [first.json()]
    assert first.json()["state"] == "ACTIVE"
    assert buyer.http.get(first.headers["Location"]) == first.json()


def test_registered_at_the_same_moment_it_is_one_and_the_limit_holds(front: Front) -> None:
    buyer = front.trader("buyer")
    urls = [f"https://example.com/{number % (MOST_PER_ACCOUNT + 5)}" for number in range(60)]

    def register(url: str) -> int:
        request = buyer.http._request("POST", "/v1/webhooks", json={"url": url})
        return front.raw().send(request).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(register, urls))
    assert statuses.count(201) == MOST_PER_ACCOUNT
    assert set(statuses) == {200, 201, 403}
    kept = [hook["url"] for hook in webhooks.mine(buyer.market)]
    assert len(set(kept)) == len(kept) == MOST_PER_ACCOUNT
    webhooks.remove(buyer.market, next(webhooks.mine(buyer.market))["id"])
    assert register("https://example.com/another") == 201


def test_webhook_of_another_account_does_not_exist(front: Front) -> None:
    buyer, stranger = front.trader("buyer"), front.trader("stranger")
    hook = webhooks.add(buyer.market, "https://example.com/told")
    with refused(ErrorCode.NOT_FOUND):
        stranger.http.get(f"/v1/webhooks/{hook['id']}")
    with refused(ErrorCode.NOT_FOUND):
        webhooks.remove(stranger.market, hook["id"])
    assert list(webhooks.mine(stranger.market)) == []
    webhooks.remove(buyer.market, hook["id"])
    with refused(ErrorCode.NOT_FOUND):
        webhooks.remove(buyer.market, hook["id"])


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("GET", "/wh1x"), ("DELETE", "/wh1x")],
)
def test_unsigned_request_is_refused(front: Front, method: str, path: str) -> None:
    body = {"json": {"url": "https://example.com/"}} if method == "POST" else {}
    answer = front.raw().request(method, f"/v1/webhooks{path}", **body)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_required")


def test_account_that_is_not_open_has_none(front: Front) -> None:
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        webhooks.add(front.trader("nobody").market, "https://example.com/")


WITHIN = {
    "not HTTPS": "http://example.com/",
    "this machine": "https://127.0.0.1/",
    "a cloud's metadata": "https://169.254.169.254/latest/meta-data/",
    "loopback, IPv6": "https://[::1]/",
    "mapped loopback": "https://[::ffff:127.0.0.1]/",
    "NAT64": "https://[64:ff9b::7f00:1]/",
    "an address as a number": "https://2130706433/",
    "a database's port": "https://example.com:5432/",
    "a user in it": "https://user:secret@example.com/",
}


@pytest.mark.parametrize("url", WITHIN.values(), ids=WITHIN)
def test_url_within_is_refused_when_it_is_registered(database: Any, tmp_path: Path, url: str) -> None:
    front = Front(database, tmp_path)
    with refused(ErrorCode.MALFORMED_REQUEST):
        webhooks.add(front.trader("buyer").market, url)
    front.close()


def test_url_is_sealed_where_it_is_stored_and_not_logged(
    front: Front, server: HookServer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    buyer = front.trader("buyer")
    caplog.set_level(logging.DEBUG)
    webhooks.add(buyer.market, server.url + "?token=canary-4711")
    server.inbox.statuses = [500]
    mint(front, front.world.market.buyer, 1)
    deliveries(front, server.courier).run_once()
    assert standing(buyer)["last_error"] == "status_500"
    assert "canary" not in repr(front.world.rows(tables.webhooks))
    assert "canary" not in caplog.text + capsys.readouterr().out


# Telling


def test_told_is_what_concerns_the_account_from_now_on_and_nothing_else(front: Front, server: HookServer) -> None:
    buyer = front.trader("buyer")
    mint(front, front.world.market.buyer, 1)
    webhooks.add(buyer.market, server.url)
    before = standing(buyer)["position"]
    mint(front, front.world.market.stranger, 2)
    # Public, and told on the event stream; but it is the seller's.
    market = front.world.market
    listing = market.list_data()["id"]
    charged = {"listing": listing, "amount": str(MANAGEMENT_FEE)}
    market.ask(market.seller, "listing.charge", charged, market.fund(market.seller, MANAGEMENT_FEE))
    trade = market.pay(listing)
    assert deliveries(front, server.courier).run_once() == 1
    told = server.told()
    assert [one.function for one in told] == ["coin.mint", "trade.pay"]
    assert [one.seq for one in told] == own_events(front, buyer, before)
    assert (told[1].subject, told[1].state, told[1].account) == (trade, "PAID", buyer.address)
    hook = standing(buyer)
    assert (hook["position"], hook["failures"], hook["last_error"]) == (told[-1].seq, 0, "")
    assert deliveries(front, server.courier).run_once() == 0


def test_delivery_tells_what_the_event_stream_tells(front: Front, server: HookServer) -> None:
    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    mint(front, front.world.market.buyer, 3)
    deliveries(front, server.courier).run_once()
    with buyer.http.events("/v1/events", last_id=str(server.told()[0].seq - 1)) as lines:
        streamed = next(line for line in lines if line.startswith("data: "))
    (arrived,) = server.inbox.arrived
    document = httpx.Response(200, content=arrived.body).json()
    assert document["event"] == httpx.Response(200, content=streamed.removeprefix("data: ")).json()
    assert set(document) == {"account", "event", "market", "webhook"}


def test_event_that_is_not_taken_is_told_again_before_what_follows(front: Front, server: HookServer) -> None:
    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    before = standing(buyer)["position"]
    mint(front, front.world.market.buyer, 1, 2, 3)
    first, second, third = own_events(front, buyer, before)
    server.inbox.statuses = [200, 503]
    job = deliveries(front, server.courier)
    job.run_once()
    hook = standing(buyer)
    assert (hook["position"], hook["failures"], hook["last_error"]) == (first, 1, "status_503")
    assert hook["next_try_at"] > hook["created_at"]
    # It rests: nothing is told, neither this nor what follows.
    assert job.run_once() == 0
    let_rests_pass(front)
    job.run_once()
    assert [one.seq for one in server.told()] == [first, second, second, third]
    assert (standing(buyer)["failures"], standing(buyer)["next_try_at"]) == (0, None)


def test_event_told_by_a_worker_that_died_before_it_knew_is_told_again_under_its_number(
    front: Front, server: HookServer
) -> None:
    class Dying:
        def deliver(self, url: str, body: bytes) -> None:
            server.courier.deliver(url, body)
            raise Crash

    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    mint(front, front.world.market.buyer, 1, 2)
    with pytest.raises(Crash):
        deliveries(front, Dying()).run_once()
    # The dead worker's lease holds for a while.
    assert deliveries(front, server.courier).run_once() == 0
    let_rests_pass(front)
    deliveries(front, server.courier).run_once()
    first, again, second = (one.seq for one in server.told())
    assert first == again < second


def test_many_workers_tell_each_receiver_everything_once_and_in_order(front: Front, tmp_path: Path) -> None:
    names = ("buyer", "seller", "stranger")
    servers = {name: HookServer(tmp_path / f"receiver-{name}") for name in names}
    traders = {name: front.trader(name) for name in names}
    for name, trader in traders.items():
        webhooks.add(trader.market, servers[name].url)
    for number in range(1, 16):
        for name in names:
            mint(front, getattr(front.world.market, name), number)

    # Any worker may meet any receiver.
    context = ssl.create_default_context()
    for server in servers.values():
        context.load_verify_locations(server.ca_file)

    def work(_number: int) -> None:
        job = deliveries(front, HttpsCourier(front.world.platform.key, LOOPBACK, context=context))
        while any(own_events(front, trader, standing(trader)["position"]) for trader in traders.values()):
            job.run_once()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    for name, server in servers.items():
        told = [one.seq for one in server.told()]
        assert len(told) == 15, name
        assert told == sorted(set(told)), name
        server.stop()


def test_slow_receiver_gives_the_others_their_turn(front: Front, server: HookServer, tmp_path: Path) -> None:
    buyer, stranger = front.trader("buyer"), front.trader("stranger")
    webhooks.add(buyer.market, server.url)
    webhooks.add(stranger.market, server.url)
    mint(front, front.world.market.buyer, *range(1, delivering.TURN + 3))
    mint(front, front.world.market.stranger, 7)
    deliveries(front, server.courier).run_once()
    accounts = [one.account for one in server.told()]
    assert accounts.index(stranger.address) == delivering.TURN
    assert accounts.count(buyer.address) == delivering.TURN + 2


def test_event_that_is_projected_while_the_webhook_is_registered_is_not_missed(
    front: Front, server: HookServer
) -> None:
    """The projector would find no webhook, and the webhook no event: each would leave it to the next one."""
    buyer = front.trader("buyer")
    with ThreadPoolExecutor(1) as pool:
        with front.services.database.begin() as connection:
            front.services.webhooks.register(connection, buyer.address, server.url)
            minting = pool.submit(mint, front, front.world.market.buyer, 1)
            await_waiter(connection, minting.done)
        minting.result()
    deliveries(front, server.courier).run_once()
    assert [one.function for one in server.told()] == ["coin.mint"]


def test_what_was_told_is_not_told_again_after_a_rebuild_and_what_follows_is(
    front: Front, server: HookServer
) -> None:
    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    mint(front, front.world.market.buyer, 1)
    deliveries(front, server.courier).run_once()
    projector = front.channel.projector
    assert projector is not None
    projector.rebuild(front.chain)
    assert deliveries(front, server.courier).run_once() == 0
    mint(front, front.world.market.buyer, 2)
    deliveries(front, server.courier).run_once()
    first, second = server.told()
    assert first.seq < second.seq


# Giving up


class Refusing:
    """A courier whose receivers take nothing."""

    def __init__(self, *, gone: bool = False) -> None:
        self.tries = 0
        self._gone = gone

    def deliver(self, url: str, body: bytes) -> None:
        self.tries += 1
        raise DeliveryError("connection", gone=self._gone)


def test_receiver_that_fails_for_long_is_disabled_and_goes_on_where_it_stopped_when_registered_again(
    front: Front, server: HookServer
) -> None:
    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    before = standing(buyer)["position"]
    mint(front, front.world.market.buyer, 1, 2)
    refusing = Refusing()
    for _ in range(schedule.MOST_FAILURES + 3):
        deliveries(front, refusing).run_once()
        let_rests_pass(front)
    assert refusing.tries == schedule.MOST_FAILURES
    hook = standing(buyer)
    assert (hook["state"], hook["failures"], hook["last_error"]) == ("DISABLED", schedule.MOST_FAILURES, "connection")
    assert (hook["disabled_at"] is None, hook["next_try_at"]) == (False, None)
    assert deliveries(front, server.courier).run_once() == 0
    with front.services.database.listener(channels.WEBHOOKS) as listener:
        again = webhooks.add(buyer.market, server.url)
        assert listener.wait(10) == [hook["id"]]
    assert (again["id"], again["state"], again["disabled_at"]) == (hook["id"], "ACTIVE", None)
    deliveries(front, server.courier).run_once()
    assert [one.seq for one in server.told()] == own_events(front, buyer, before)


def test_block_that_comes_again_marks_and_wakes_nobody(front: Front, server: HookServer) -> None:
    """As in a rebuild, which must not hold the rows of those who deliver."""
    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    mint(front, front.world.market.buyer, 1)
    (last,) = own_events(front, buyer, standing(buyer)["position"])
    database = front.services.database
    with database.begin() as connection:
        written = connection.execute(text("SELECT xmin::text FROM webhooks")).scalar_one()
    with database.listener(channels.WEBHOOKS) as listener:
        with database.begin() as connection:
            mark_webhooks(connection, last, last + 1)
            channels.notify(connection, channels.WEBHOOKS, "afterwards")
        assert listener.wait(10) == ["afterwards"]
    with database.begin() as connection:
        assert connection.execute(text("SELECT xmin::text FROM webhooks")).scalar_one() == written


def test_receiver_that_is_gone_is_disabled_at_once(front: Front, server: HookServer) -> None:
    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    mint(front, front.world.market.buyer, 1)
    server.inbox.statuses = [410]
    deliveries(front, server.courier).run_once()
    assert (standing(buyer)["state"], standing(buyer)["last_error"]) == ("DISABLED", "status_410")


def test_removed_while_it_is_told_it_is_told_nothing_more(front: Front, server: HookServer) -> None:
    class Removing:
        def deliver(self, url: str, body: bytes) -> None:
            server.courier.deliver(url, body)
            webhooks.remove(buyer.market, hook["id"])

    buyer = front.trader("buyer")
    hook = webhooks.add(buyer.market, server.url)
    mint(front, front.world.market.buyer, 1, 2)
    assert deliveries(front, Removing()).run_once() == 1
    assert len(server.told()) == 1
    assert deliveries(front, server.courier).run_once() == 0


def test_worker_whose_lease_was_taken_over_moves_nothing(front: Front, server: HookServer) -> None:
    class Standing:
        """Stands still for so long that another worker takes over."""

        def deliver(self, url: str, body: bytes) -> None:
            let_rests_pass(front)
            deliveries(front, server.courier).run_once()

    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    mint(front, front.world.market.buyer, 1, 2)
    deliveries(front, Standing()).run_once()
    assert standing(buyer)["position"] == own_events(front, buyer)[-1]
    assert len(server.told()) == 2


def test_damaged_row_does_not_starve_the_others(front: Front, server: HookServer) -> None:
    buyer, stranger = front.trader("buyer"), front.trader("stranger")
    damaged = webhooks.add(buyer.market, server.url)["id"]
    webhooks.add(stranger.market, server.url)
    with front.services.database.begin() as connection:
        row = tables.webhooks.c.id == damaged
        connection.execute(update(tables.webhooks).where(row).values(url=b"damaged", due_ms=0))
    mint(front, front.world.market.buyer, 1)
    mint(front, front.world.market.stranger, 1)
    job = deliveries(front, server.courier)
    job.run_once()
    job.run_once()
    assert [one.account for one in server.told()] == [stranger.address]


def test_defect_in_one_delivery_does_not_starve_the_others(front: Front, server: HookServer) -> None:
    class Defective:
        def deliver(self, url: str, body: bytes) -> None:
            if b"Dn" in body and buyer.address.encode() in body:
                raise RuntimeError("a mistake of ours, with the secret 42")
            server.courier.deliver(url, body)

    buyer, stranger = front.trader("buyer"), front.trader("stranger")
    for who in (buyer, stranger):
        webhooks.add(who.market, server.url)
    mint(front, front.world.market.buyer, 1)
    mint(front, front.world.market.stranger, 1)
    assert deliveries(front, Defective()).run_once() == 2
    assert [one.account for one in server.told()] == [stranger.address]


def test_delivery_is_no_request_of_the_platform_to_a_gateway(
    front: Front, server: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who registers a gateway's own URL gets the platform's signature for a request to it, and nothing by that."""

    def send() -> httpx.Response:
        url, body = f"{URL}/v1/webhooks", b'{"url":"https://example.com/"}'
        headers = server.courier._sign(Target.parse(url), body)
        return front.raw().post(url, headers=headers, content=body)

    answer = send()
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    # It is its tag alone that tells it from one.
    monkeypatch.setattr(courier, "TAG", signatures.TAG)
    assert send().status_code == 201


def test_worker_tells_what_happens_as_it_happens(
    front: Front, server: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))  # what the system believes
    worker = Worker(front.services)
    assert sum(loop.name.startswith("webhooks") for loop in worker._loops) == LANES
    buyer = front.trader("buyer")
    webhooks.add(buyer.market, server.url)
    ready = threading.Event()
    worker.start(ready.set)
    try:
        assert ready.wait(60)
        mint(front, front.world.market.buyer, 1)
        server.inbox.wait(1)
        mint(front, front.world.market.buyer, 2, 3)
        server.inbox.wait(3)
    finally:
        worker.stop()
    told = [one.seq for one in server.told()]
    assert told == sorted(set(told))
