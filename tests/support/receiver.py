"""A webhook's receiver on loopback: real HTTPS, and answers that a test has laid down."""

import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from countermark.client.webhook_receiver import Receiver, Told
from countermark.gateway.courier import HttpsCourier
from countermark.platform.webhooks.addresses import AddressPolicy
from tests.support.https_server import HttpsServer
from tests.support.market import PLATFORM, actor
from tests.support.platform import MARKET

LOOPBACK = AddressPolicy([ip_network("127.0.0.0/8")])


@dataclass(frozen=True)
class Arrived:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Inbox:
    """Remembers what arrives; `statuses` are answered in order, then 204 for ever."""

    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    arrived: list[Arrived] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        headers["CONTENT-TYPE"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        with self._changed:
            self.arrived.append(Arrived(environ["REQUEST_METHOD"], environ["RAW_URI"], headers, body))
            self._changed.notify_all()
        start_response(f"{self.statuses.pop(0) if self.statuses else 204} -", list(self.headers.items()))
        return []

    def wait_for(self, enough: Callable[[list[Arrived]], bool]) -> None:
        """Wait until what has arrived is enough."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.arrived), 60), len(self.arrived)

    def wait(self, count: int) -> None:
        """Wait until `count` requests have arrived."""
        self.wait_for(lambda arrived: len(arrived) >= count)


class HookServer:
    """`inbox` served at `url`, and what reads what arrives there."""

    def __init__(self, folder: Path, *, path: str = "/told") -> None:
        folder.mkdir(exist_ok=True)
        self.inbox = Inbox()
        self._server = HttpsServer(self.inbox, folder)
        self.url = self._server.url + path
        self.ca_file = self._server.ca_file
        self.context = ssl.create_default_context(cafile=str(self.ca_file))
        platform = actor("platform", PLATFORM)
        self.receiver = Receiver(self.url, market=MARKET, platform=platform.address)
        self.courier = HttpsCourier(platform.key, LOOPBACK, context=self.context)

    def told(self) -> list[Told]:
        """What was told, each delivery's signature checked."""
        return [self.receiver.open(one.headers, one.body) for one in self.inbox.arrived]

    def stop(self) -> None:
        self._server.stop()
