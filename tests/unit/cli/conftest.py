"""The command line in this process: what it prints, and its exit status."""

import io
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.cli.main import main
from countermark.client import http as client_http
from countermark.client import keystore
from countermark.platform.store.engine import Database
from tests.support.command_line import Result
from tests.support.front import URL, Front, Wire

PASSPHRASE = "correct horse"


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "GATEWAY", "CA_FILE", "PASSPHRASE_FILE", "CONNECTION", "GENESIS"):
        monkeypatch.delenv(f"COUNTERMARK_{name}", raising=False)
    monkeypatch.setattr(client_http, "FIRST_PAUSE_S", 0.0)
    # The strength of the key derivation is for thieves, not for tests.
    monkeypatch.setattr(keystore, "_SCRYPT_N", 2)


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """Give back the handlers that commands replace."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line as the program does."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["countermark", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


class Gateway(Wire):
    """The real gateway; `failure` is raised instead of an answer to what changes something.

    With `late`, it is raised after the gateway has done it; `failing` is the end of the paths that fail.
    """

    def __init__(self, front: Front) -> None:
        super().__init__(front.app)
        self.failure: type[httpx.TransportError] | type[KeyboardInterrupt] | None = None
        self.late = False
        self.failing = ""
        self.market = ""
        """What it calls its market, if not what that is called."""
        self.unreachable = False
        self.writes: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.unreachable:
            raise httpx.ConnectError("on purpose", request=request)
        if request.method not in ("GET", "HEAD"):
            self.writes.append(request.url.path)
            if self.failure is not None and request.url.path.endswith(self.failing):
                if self.late:
                    self._pass_on(request)
                if issubclass(self.failure, KeyboardInterrupt):
                    raise self.failure
                self.writes.pop()
                raise self.failure("on purpose", request=request)
        response = self._pass_on(request)
        if self.market and request.url.path == "/v1/market":
            document = {**json.loads(response.read()), "market": self.market}
            return httpx.Response(200, json=document, request=request)
        return response

    def _pass_on(self, request: httpx.Request) -> httpx.Response:
        # The gateway's own log would go where its process says; here it must not get between the command's lines.
        with redirect_stdout(io.StringIO()):
            return super().handle_request(request)


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    front = Front(database, tmp_path)
    yield front
    front.close()


@pytest.fixture
def gateway(front: Front, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Let all clients reach the gateway in this process."""
    gateway, client = Gateway(front), httpx.Client

    def reach(**options: Any) -> httpx.Client:
        return client(transport=gateway, base_url=options["base_url"], headers=options["headers"])

    monkeypatch.setattr(client_http.httpx, "Client", reach)
    return gateway


@dataclass(frozen=True)
class Party:
    """Somebody at a terminal: his home and passphrase, and a gateway."""

    run: Run
    home: Path
    passphrase: Path

    def __call__(self, *arguments: object) -> Result:
        return self.run("--home", self.home, "--passphrase-file", self.passphrase, "--gateway", URL, *arguments)

    def done(self, *arguments: object) -> Result:
        result = self(*arguments)
        assert result.status == 0, result
        return result


@pytest.fixture
def party(run: Run, gateway: Gateway, tmp_path: Path, passphrase: Path) -> Callable[[str], Party]:
    def make(name: str) -> Party:
        made = Party(run, tmp_path / "homes" / name, passphrase)
        made.done("account", "new")
        made.done("account", "fund", "50000")
        return made

    return make
