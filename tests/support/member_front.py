"""A member's gateway in one process, beside the platform's of `support.front`, with tables of its own."""

from pathlib import Path

import httpx

from countermark.client.http import Http
from countermark.gateway.app import create_app
from countermark.gateway.config import PlatformAddress
from countermark.gateway.keys import MemberKeys
from countermark.gateway.member.services import MemberServices, wire
from countermark.gateway.member.upstream import Upstream
from countermark.gateway.services import Site
from countermark.platform.projection import Projector
from countermark.platform.store.engine import Database
from tests.support.front import URL, Chain, Front, Trader, Wire, any_authority
from tests.support.market import Actor, actor
from tests.support.platform import MARKET

MEMBER_HOST = "member.example:8443"
MEMBER_URL = f"https://{MEMBER_HOST}"


class Road(httpx.BaseTransport):
    """HTTPS from the member's gateway to the platform's, with the target as it would be on the wire."""

    def __init__(self, front: Front) -> None:
        self._wire = Wire(front.app)
        self.closed = False
        """Whether nothing gets through."""
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.closed:
            raise httpx.ConnectError("refused", request=request)
        self.requests.append(request)
        target = request.extensions["target"].decode("latin-1")
        return self._wire.handle_request(
            httpx.Request(request.method, f"{URL}{target}", headers=request.headers.raw, content=request.read())
        )


class MemberFront:
    """The gateway of a member, and the traders before it."""

    def __init__(self, front: Front, database: Database, folder: Path) -> None:
        folder.mkdir()
        self.front = front
        self.folder = folder
        self.database = database
        self.road = Road(front)
        upstream = Upstream(PlatformAddress(url=URL), connections=4)
        upstream._client = httpx.Client(transport=self.road)
        self.services: MemberServices = wire(
            Site(market=MARKET, hosts=frozenset({"member.example"})),
            keys=MemberKeys(b"m" * 32),
            database=database,
            chain=Chain(front.channel),
            upstream=upstream,
        )
        self.app = create_app(self.services)
        self.projector = Projector(database, chaincode="countermark")
        front.channel.others.append(self.projector)
        front.channel.project()

    def close(self) -> None:
        self.services.bell.close()

    def raw(self) -> httpx.Client:
        return httpx.Client(transport=Wire(self.app), base_url=MEMBER_URL)

    def http(self, who: Actor | None = None) -> Http:
        """The project's own client, signing as `who`."""
        http = Http(MEMBER_URL, ca_file=any_authority(), key=None if who is None else who.key)
        http._client = self.raw()
        return http

    def trader(self, name: str) -> Trader:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Trader(self, actor(name), folder)
