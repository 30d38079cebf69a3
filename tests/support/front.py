"""A gateway in one process for tests: the real application on the platform of `support.platform`, and its clients.

Traders are the real client code: their requests go to the application through WSGI, signed as over the wire.
"""

import atexit
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

import httpx

from countermark.client.http import Http
from countermark.client.keystore import Keys
from countermark.client.market import Market as ClientMarket
from countermark.client.vault import Vault
from countermark.gateway.app import create_app
from countermark.gateway.keys import PlatformKeys
from countermark.gateway.services import PlatformServices, PlatformSite, wire
from countermark.platform.board.anchoring import AnchorJob
from countermark.platform.contracts.publication import PublicationJob
from countermark.platform.ports import Block, ObjectStore, UnavailableError
from countermark.platform.relay.checking import CheckJob
from countermark.platform.relay.transmission import RelayJob
from countermark.platform.store.engine import Database
from tests.support.backends import certificate
from tests.support.market import Actor, actor, config_json
from tests.support.pictures import jpeg, photo
from tests.support.platform import MARKET, Channel, Peer, World

MANAGEMENT_FEE = 100
HOST = "gateway.example:8443"
URL = f"https://{HOST}"


@cache
def any_authority() -> str:
    """Return a file with one CA certificate, for clients that never meet it: the system's take 20 ms to read."""
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
        file.write(certificate("client"))
    atexit.register(os.unlink, file.name)
    return file.name


class Chain(Peer):
    """The ledger in memory with its blocks."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.channel = channel

    def blocks(self, start: int, *, stop: int | None = None) -> Iterator[Block]:
        yield from self.channel.blocks_made[start : None if stop is None else stop + 1]

    def block(self, number: int, *, timeout_s: float = 10.0) -> Block:
        if number >= len(self.channel.blocks_made):
            raise UnavailableError("", "no peer has it")
        return self.channel.blocks_made[number]

    def height(self, *, timeout_s: float = 2.0) -> int:
        if self.channel.away:
            raise UnavailableError("", "no peer answers")
        return len(self.channel.blocks_made)

    def dated_ms(self, number: int, *, timeout_s: float = 2.0) -> int | None:
        return min(
            (one.timestamp_ms for one in self.channel.blocks_made[number].transactions if one.valid), default=None
        )

    def checks_time(self, *, timeout_s: float = 2.0) -> bool:
        return self.channel.checks_time

    def accepts_time(self, *, timeout_s: float = 2.0) -> bool:
        return not self.channel.skewed

    def close(self) -> None:
        pass


class Wire(httpx.BaseTransport):
    """HTTPS to the application as gunicorn would hand it over: with the request target as it was sent."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.remote = "127.0.0.1"
        """Where requests come from."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode("ascii")
        # Bytes as latin-1 (PEP 3333), which httpx gets wrong.
        path = unquote_to_bytes(target.partition("?")[0]).decode("latin-1")

        def app(environ: dict[str, Any], start: Any) -> Any:
            environ["wsgi.input_terminated"] = True
            return self._app({**environ, "RAW_URI": target, "PATH_INFO": path}, start)

        return httpx.WSGITransport(app=app, raise_app_exceptions=False, remote_addr=self.remote).handle_request(
            request
        )


class Clients(Protocol):
    """Whatever gives traders a way to a gateway."""

    def http(self, who: Actor | None = None) -> Http: ...


class Trader:
    """An account with its keys, its vault and its view of the gateway."""

    def __init__(self, front: Clients, who: Actor, folder: Path) -> None:
        self.address = who.address
        self.folder = folder
        self.keys = Keys(who.key, {1: who.encryption}, secrets.token_bytes(32))
        self.vault = Vault(folder / "vault", self.keys.vault)
        self.http = front.http(who)
        self.market = ClientMarket(self.http, who.key, vault=self.vault)

    def trade(self, trade: str) -> dict[str, Any]:
        resource: dict[str, Any] = self.http.get(f"/v1/trades/{trade}")
        return resource


class Front:
    """The gateway, the platform behind it, and the traders before it."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        store: ObjectStore | None = None,
        config: Mapping[str, Any] | None = None,
        **site: Any,
    ) -> None:
        """`config` replaces members of the market configuration."""
        fees = {**config_json()["fees"], "management": str(MANAGEMENT_FEE)}
        self.world = World(database, folder, {"fees": fees, **(config or {})}, store)
        self.folder = folder
        self.chain = Chain(self.world.channel)
        spool = folder / "spool"
        spool.mkdir()
        fields = {"faucet": True, "threads": 8, **site}
        self.services: PlatformServices = wire(
            PlatformSite(market=MARKET, hosts=frozenset({"gateway.example"}), spool=spool, **fields),
            keys=PlatformKeys(self.world.platform.key, self.world.keys, b"k" * 32, self.world.market.issuer.key),
            database=database,
            chain=self.chain,
            objects=self.world.objects,
        )
        self.app = create_app(self.services)

    @property
    def channel(self) -> Channel:
        return self.world.channel

    def close(self) -> None:
        self.services.bell.close()

    def raw(self, remote: str = "127.0.0.1") -> httpx.Client:
        """A client at the address `remote` that signs nothing and hides nothing."""
        wire = Wire(self.app)
        wire.remote = remote
        return httpx.Client(transport=wire, base_url=URL)

    def http(self, who: Actor | None = None) -> Http:
        """The project's own client, signing as `who`."""
        http = Http(URL, ca_file=any_authority(), key=None if who is None else who.key)
        http._client = self.raw()
        return http

    def trader(self, name: str) -> Trader:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Trader(self, actor(name), folder)

    @cached_property
    def photograph(self) -> Path:
        path = self.folder / "photograph.jpg"
        path.write_bytes(jpeg(photo("astronaut").resize((256, 256))))
        return path

    def work(self) -> None:
        """Do the platform's own part of whatever is under way, to the end."""
        acting, services = self.world.acting, self.services
        for job in (
            RelayJob(acting, services.board, services.upload),
            CheckJob(acting, services.board),
            PublicationJob(services.database, columns=services.columns),
            AnchorJob(acting, services.board),
        ):
            job.run_once()
            services.submitter.run_once()

    def finish(self, txid: str) -> None:
        """Do what a worker does with a transaction that nobody waits for, until it has an end."""
        submitter = self.services.submitter
        while not submitter.wait(txid, timeout_s=0.1).final:
            submitter.run_once()
