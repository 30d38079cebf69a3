"""Gateways on loopback for the client: one that plays a script, and the real one over the ledger in memory."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from countermark.client import http as client_http
from countermark.client.http import Http
from countermark.protocol.accounts import AccountKey
from tests.support.https_server import Answer, HttpsServer, Script

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
