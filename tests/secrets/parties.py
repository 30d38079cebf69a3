"""Parties of a market day: traders with the real client, everything that they are answered written down."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from countermark.client import account
from countermark.client.home import Home
from countermark.client.http import Http
from countermark.client.keystore import Keys
from countermark.client.market import Market
from countermark.client.vault import Vault
from tests.support.remote import Gateway, RemoteTrader


def canary(label: str) -> str:
    """Return a text that stands nowhere else in the world."""
    return f"{secrets.token_hex(8)}-{label}"


@dataclass(frozen=True)
class Exchange:
    """What somebody asked the gateway and was answered.

    Neither `sent` nor `body` has the content of a stream: a package lies in the object store, and of events `hear`
    writes down what it has heard.
    """

    who: str
    method: str
    path: str
    status: int
    sent: bytes = field(repr=False)
    headers: bytes = field(repr=False)
    body: bytes = field(repr=False)


@dataclass
class Canaries:
    """Texts that parties send where none of it may be kept: headers, queries, paths."""

    authorization: str = field(default_factory=lambda: canary("authorization"))
    user_agent: str = field(default_factory=lambda: canary("user-agent"))
    cookie: str = field(default_factory=lambda: canary("cookie"))
    referer: str = field(default_factory=lambda: canary("referer"))
    query: str = field(default_factory=lambda: canary("query"))
    path: str = field(default_factory=lambda: canary("path"))
    body: str = field(default_factory=lambda: canary("body"))
    hook: str = field(default_factory=lambda: canary("hook"))
    file_name: str = field(default_factory=lambda: canary("file-name"))
    passphrase: str = field(default_factory=lambda: canary("passphrase"))
    profile: str = field(default_factory=lambda: canary("profile"))

    def headers(self) -> dict[str, str]:
        """Return headers that a proxy or a browser may add."""
        return {
            "Authorization": f"Bearer {self.authorization}",
            "User-Agent": self.user_agent,
            "Cookie": f"session={self.cookie}",
            "Referer": f"https://{self.referer}.example/",
        }


class Person(RemoteTrader):
    """Somebody who asks the gateway: with an account, or as an outsider without."""

    def __init__(
        self,
        name: str,
        platform: Gateway,
        folder: Path,
        canaries: Canaries,
        write_down: Callable[[Exchange], None],
        keys: Keys | None = None,
    ) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self._write_down = write_down
        self._keys = keys
        if keys is not None:
            self.keys = keys
            self.vault = Vault(self.folder / "vault", keys.vault)
        self.http = Http(platform.url, ca_file=str(platform.ca_file), key=None if keys is None else keys.account)
        self.http._client.headers.update(canaries.headers())
        self.http._client.event_hooks = {"response": [self._note]}
        self.market = Market(self.http, None if keys is None else keys.account, vault=getattr(self, "vault", None))

    @property
    def address(self) -> str:
        return self.keys.address

    def _note(self, response: httpx.Response) -> None:
        body = b"" if _is_stream(response.headers) else response.read()
        request = response.request
        sent = str(request.url).encode() + str(request.headers).encode()
        if not _is_stream(request.headers):
            sent += b"\n" + request.content
        path, headers = request.url.path, str(response.headers).encode()
        self._write_down(Exchange(self.name, request.method, path, response.status_code, sent, headers, body))

    def ask(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Send one request, signed if there is a key, and return what is answered, whatever it is.

        Events are not waited for: a stream of them is closed once it has begun.
        """
        response = self.http._client.send(self.http._request(method, path, **parts), stream=True)
        if response.headers.get("Content-Type", "").startswith("text/event-stream"):
            response.close()
        else:
            response.read()
        return response

    def hear(self, path: str, until: Callable[[str], bool]) -> bytes:
        """Read a stream of events from its beginning, up to the line that is waited for."""
        heard = []
        with self.http.events(path, last_id="0") as lines:
            for line in lines:
                heard.append(line)
                if until(line):
                    break
        content = "\n".join(heard).encode()
        self._write_down(Exchange(self.name, "GET", path, 200, b"", b"", content))
        return content


def trader(
    name: str,
    platform: Gateway,
    folder: Path,
    canaries: Canaries,
    write_down: Callable[[Exchange], None],
    money: int = 0,
) -> Person:
    """Return a trader whose keys lie in a home of his own under a passphrase, his account opened and funded."""
    home = Home(folder / f"{name}-home")
    keys = home.create_account(canaries.profile, canaries.passphrase.encode())
    person = Person(name, platform, folder, canaries, write_down, keys)
    account.open_account(person.market, keys)
    if money:
        account.fund(person.market, str(money))
    return person


def _is_stream(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").startswith(("text/event-stream", "application/octet-stream"))


def private_keys(name: str, keys: Keys) -> Mapping[str, list[bytes]]:
    """Return what nobody but the account's holder himself may ever have."""
    return {
        f"account key of {name}": [keys.account.to_bytes()],
        f"encryption keys of {name}": [key.to_bytes() for key in keys.encryption.values()],
        f"vault key of {name}": [keys.vault],
    }
