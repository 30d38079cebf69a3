"""Gateways on loopback for the client: one that plays a script, and the real one over the ledger in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.client import account, deliveries, listings, purchases, receiving
from countermark.client import http as client_http
from countermark.client.errors import ClientError
from countermark.client.http import Http
from countermark.client.market import Done, Market
from countermark.client.receiving import Received
from countermark.platform.store.engine import Database
from countermark.protocol.accounts import AccountKey
from tests.support.front import URL, Front, Trader, Wire
from tests.support.https_server import Answer, HttpsServer, Script
from tests.support.market import SUPERVISOR
from tests.support.market import Market as Ledger

Serve = Callable[..., tuple[Script, HttpsServer]]


@pytest.fixture
def key() -> AccountKey:
    return AccountKey.generate()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a server that gives the answers of a script."""
    servers: list[HttpsServer] = []

    def start(*answers: Answer, script: Script | None = None) -> tuple[Script, HttpsServer]:
        script = script or Script(*answers)
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        servers.append(HttpsServer(script, folder))
        return script, servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_http, "FIRST_PAUSE_S", 0.0)


def connect(server: HttpsServer, key: AccountKey | None = None) -> Http:
    return Http(server.url, ca_file=str(server.ca_file), key=key, timeout_s=10)


def failing(act: Callable[[], object]) -> ClientError:
    """Return the error with which ``act`` ends."""
    with pytest.raises(ClientError) as caught:
        act()
    return caught.value


def posting(path: str, method: str = "POST") -> Callable[[httpx.Request], bool]:
    """Return whether a request is one of ``method`` to a resource of that name."""
    return lambda request: request.method == method and request.url.path.endswith(path)


def no_fault(_: httpx.Request) -> bool:
    return False


class Faulty(Wire):
    """The way to the real gateway, on which `faults` may break off; `requests` are those that arrived."""

    def __init__(self, front: Front) -> None:
        super().__init__(front.app)
        self.requests: list[tuple[str, str]] = []
        self.watch: Callable[[httpx.Request], None] = lambda _: None
        self.lost: Callable[[httpx.Request], bool] = lambda _: False
        """Whether a request never arrives."""
        self.silent: Callable[[httpx.Request], bool] = lambda _: False
        """Whether a request arrives and its answer does not."""
        self.replace: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        """What is answered instead of what the gateway does."""

    def pass_on(self, request: httpx.Request) -> httpx.Response:
        return super().handle_request(request)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.lost(request):
            raise httpx.ConnectError("no way there", request=request)
        self.watch(request)
        self.requests.append((request.method, request.url.path))
        response = self.replace(request) or self.pass_on(request)
        if self.silent(request):
            raise httpx.ReadError("no way back", request=request)
        return response

    def writes(self) -> list[str]:
        return [path for method, path in self.requests if method not in ("GET", "HEAD")]


@dataclass
class Person:
    """A trader of the real gateway, and the way between the two."""

    trader: Trader
    wire: Faulty

    @property
    def packages(self) -> Path:
        return self.trader.folder / "packages"

    def market(self, *, wait: bool = True, dry_run: bool = False) -> Market:
        who = self.trader
        return Market(who.http, who.keys.account, vault=who.vault, wait=wait, dry_run=dry_run)

    @property
    def downloads(self) -> Path:
        return self.trader.folder / "downloads"

    def fetch(self, trade: str, out: Path, *, force: bool = False) -> Received:
        who = self.trader
        return receiving.fetch(self.market(), who.vault, who.trade(trade), out, self.downloads, force=force)

    def send(self, trade: str, *, path: Path | None = None, resource: dict[str, Any] | None = None) -> Done | None:
        who = self.trader
        return deliveries.send(self.market(), who.keys, who.vault, resource or who.trade(trade), self.packages, path)


@dataclass
class OwnLedger:
    """The ledger in memory, as a client of the supervisor's organisation reaches it."""

    market: Ledger

    def trade(self, trade: str) -> dict[str, Any]:
        return self.market.trade(trade)

    def claim(self, claim: str) -> dict[str, Any]:
        return self.market.claim_record(claim)

    def submit(self, function: str, token: str) -> Done:
        done = self.market.send_token(token, function, msp=SUPERVISOR)
        return Done(done.tx_id, done.answer)


@dataclass
class Sale:
    """Seller and buyer with money, and a listing on the market."""

    front: Front
    seller: Person
    buyer: Person
    listing: str

    def pay(self) -> str:
        return str(purchases.buy(self.buyer.market(), self.buyer.trader.vault, self.listing).result["id"])

    def funded(self) -> str:
        trade = self.pay()
        deliveries.charge(self.seller.market(), self.seller.trader.trade(trade))
        return trade

    def sent(self) -> str:
        trade = self.funded()
        self.seller.send(trade)
        self.front.work()
        return trade

    def state(self, trade: str) -> str:
        return str(self.buyer.trader.trade(trade)["state"])


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    front = Front(database, tmp_path)
    yield front
    front.close()


@pytest.fixture
def sale(front: Front) -> Sale:
    people = []
    for name in ("seller", "buyer"):
        trader, wire = front.trader(name), Faulty(front)
        trader.http._client = httpx.Client(transport=wire, base_url=URL)
        account.fund(trader.market, "50000", f"deposit-{name}")
        people.append(Person(trader, wire))
    seller, buyer = people
    made = listings.create(
        seller.market(), seller.trader.vault, front.photograph, listings.Terms(10_001, {}), listings.Words("Shapes")
    )
    listing = str(made.result["id"])
    listings.charge(seller.market(), listing)
    front.work()
    for one in people:
        one.wire.requests.clear()
    return Sale(front, seller, buyer, listing)
