"""A trader's client has one way out: the gateway that it was made for. So parties never contact each other (R81)."""

import ast
from pathlib import Path

import httpx
import pytest

from countermark.client.errors import ClientError
from countermark.client.http import Http

ROOT = Path(__file__).resolve().parents[2]
WAYS_OUT = {"asyncio", "ftplib", "grpc", "http", "httpx", "requests", "smtplib", "socket", "urllib", "urllib3"}


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.requirement("R81")
def test_one_module_of_the_client_reaches_the_network() -> None:
    modules = sorted((ROOT / "client").rglob("*.py"))
    assert [path.name for path in modules if _imported(path) & WAYS_OUT] == ["http.py"]


@pytest.mark.requirement("R81")
def test_no_answer_sends_the_client_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def send_away(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(307, headers={"location": "https://seller.example/v1/market"}, request=request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", send_away)
    with pytest.raises(ClientError):
        Http("https://gateway.example").get("/v1/market")
    assert asked == ["gateway.example"]
