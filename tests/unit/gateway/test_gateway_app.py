"""The application itself: every error a problem document, a complete description, readiness that names parts."""

import json
import re
import time
from typing import Any

import pytest

from countermark.gateway import problems
from countermark.gateway.app import BODY_BYTES
from countermark.gateway.problems import PROBLEMS, ProblemError
from countermark.gateway.readiness import STALLED_S
from countermark.platform.store.engine import Database
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.front import Front

JSON = {"Content-Type": "application/json"}


def test_every_code_is_a_problem_type() -> None:
    assert set(PROBLEMS) == set(ErrorCode)
    for code in ErrorCode:
        document = problems.document(MarketError(code))
        assert document["code"] == str(code)
        assert 400 <= document["status"] < 600
        assert document["type"] == f"/problems/{code}"


def test_problem_carries_what_only_the_gateway_knows() -> None:
    document = problems.document(ProblemError(MarketError(ErrorCode.CONFLICT, "why"), txid="t", case="c", status=418))
    assert (document["txid"], document["case"], document["status"], document["detail"]) == ("t", "c", 418, "why")


REQUESTS: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "no such path": ("GET", "/v2/nothing", {}, 404, "not_found"),
    "no such method": ("DELETE", "/v1/market", {}, 405, "malformed_request"),
    "no JSON": ("POST", "/v1/accounts", {"content": b"{", "headers": JSON}, 400, "malformed_request"),
    "not said to be JSON": ("POST", "/v1/accounts", {"content": b"{}"}, 415, "malformed_request"),
    "a duplicate member": (
        "POST",
        "/v1/accounts",
        {"content": b'{"intent":"a","intent":"b"}', "headers": JSON},
        400,
        "malformed_request",
    ),
    "a number with a point": (
        "POST",
        "/v1/accounts",
        {"content": b'{"intent":1.5}', "headers": JSON},
        400,
        "malformed_request",
    ),
    "JSON within a string": (
        "POST",
        "/v1/accounts",
        {"content": json.dumps('{"intent":"a"}').encode(), "headers": JSON},
        400,
        "malformed_request",
    ),
    "deep nesting": (
        "POST",
        "/v1/accounts",
        {"content": b"[" * 100_000, "headers": JSON},
        400,
        "malformed_request",
    ),
    "bytes that are no UTF-8": (
        "POST",
        "/v1/accounts",
        {"content": b'{"intent":"\xff"}', "headers": JSON},
        400,
        "malformed_request",
    ),
    "a missing member": ("POST", "/v1/accounts", {"json": {}}, 400, "malformed_request"),
    "an unknown member": ("POST", "/v1/accounts", {"json": {"intent": "a", "more": 1}}, 400, "malformed_request"),
    "a member of another type": ("POST", "/v1/searches", {"json": {"sealed": "text"}}, 400, "malformed_request"),
    "no intent": ("POST", "/v1/accounts", {"json": {"intent": "a.b.c"}}, 400, "malformed_intent"),
    "no sealed message": (
        "POST",
        "/v1/searches",
        {"json": {"sealed": {"v": 1, "kind": "search", "key_version": 1, "ciphertext": "AA"}}},
        400,
        "sealed_malformed",
    ),
    "a body that is too large": (
        "POST",
        "/v1/accounts",
        {"content": b" " * (BODY_BYTES + 1), "headers": JSON},
        413,
        "too_large",
    ),
    "an unsigned read": ("GET", "/v1/trades", {}, 401, "signature_required"),
    "a page that is too long": ("GET", "/v1/listings?limit=101", {}, 400, "malformed_request"),
    "a cursor of another list": ("GET", "/v1/listings?cursor=AAAA", {}, 400, "malformed_request"),
    "an unknown filter": ("GET", "/v1/listings?colour=red", {}, 400, "malformed_request"),
    "an endless price": ("GET", f"/v1/listings?max_price={10**30}", {}, 400, "malformed_request"),
    "a NUL in the path": ("GET", "/v1/listings/%00", {}, 400, "malformed_request"),
    "a NUL in the query": ("GET", "/v1/listings?q=%00", {}, 400, "malformed_request"),
    "an unknown listing": ("GET", "/v1/listings/dc1unknown", {}, 404, "unknown_listing"),
    "an unknown transaction": ("GET", "/v1/transactions/unknown", {}, 404, "not_found"),
    "an endless wait": ("GET", "/v1/transactions/unknown?wait=31", {}, 400, "malformed_request"),
}


def test_every_error_is_a_problem_document(front: Front) -> None:
    with front.raw() as client:
        for name, (method, path, parts, status, code) in REQUESTS.items():
            answer = client.request(method, path, **parts)
            assert answer.headers["Content-Type"] == "application/problem+json", name
            document = answer.json()
            found = (answer.status_code, document["status"], document["code"])
            assert found == (status, status, code), name
            assert {"type", "title", "detail", "retryable"} <= set(document), name
        assert client.delete("/v1/market").headers["Allow"]


def test_malformed_members_are_named_by_pointers(front: Front) -> None:
    answer = front.raw().post("/v1/searches", json={"sealed": {"v": "1", "kind": "search"}, "more": 0}).json()
    pointers = {error["pointer"] for error in answer["errors"]}
    assert pointers == {"/sealed/v", "/sealed/key_version", "/sealed/ciphertext", "/more"}


def test_mistake_tells_nothing_of_itself(
    front: Front, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def browse(*_: object, **__: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(front.services.catalogue, "browse", browse)
    answer = front.raw().get("/v1/listings")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    logged = capsys.readouterr().out
    assert "RuntimeError" in logged
    assert "test_gateway_app.py" in logged
    assert "the secret is 42" not in answer.text + logged


def test_absent_database_is_503(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Database("postgresql://127.0.0.1:1/none")
    for way in ("begin", "autocommit"):
        monkeypatch.setattr(front.services.database, way, getattr(absent, way))
    answer = front.raw().get("/v1/market")
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (
        503,
        "database_unavailable",
        True,
    )
    ready = front.raw().get("/readyz")
    assert (ready.status_code, ready.json()["away"]) == (503, ["database"])
    assert front.raw().get("/healthz").status_code == 200
    assert "countermark_database_up 0.0" in front.raw().get("/metrics").text


def test_readiness_names_the_part_that_is_away(front: Front) -> None:
    ready = front.raw().get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["projector"] == {"lag_blocks": 0}
    front.channel.away = True
    ready = front.raw().get("/readyz")
    assert (ready.status_code, ready.json()["away"], ready.json()["ledger"]) == (503, ["ledger"], "away")


def test_readiness_counts_the_blocks_that_the_projection_is_behind(front: Front) -> None:
    front.channel.projector = None
    for number in range(25):
        front.world.market.mint(front.world.market.buyer, number + 1)
    ready = front.raw().get("/readyz")
    assert (ready.status_code, ready.json()["away"]) == (503, ["projector"])
    assert ready.json()["projector"] == {"lag_blocks": 25}


def test_projection_that_has_stopped_is_not_ready_however_little_it_is_behind(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.channel.projector = None
    front.world.market.mint(front.world.market.buyer, 1)
    assert front.raw().get("/readyz").status_code == 200
    late = time.monotonic() + STALLED_S + 1
    monkeypatch.setattr("countermark.gateway.readiness.time.monotonic", lambda: late)
    ready = front.raw().get("/readyz")
    assert (ready.status_code, ready.json()["away"]) == (503, ["projector"])


def test_peers_that_take_any_timestamp_are_not_ready(front: Front) -> None:
    """Without Fabric's TimeWindowCheck a client dates its transactions as it likes, past every deadline."""
    front.channel.checks_time = False
    ready = front.raw().get("/readyz")
    assert (ready.status_code, ready.json()["away"], ready.json()["time_window"]) == (
        503,
        ["time_window"],
        "not checked",
    )
    front.channel.checks_time = True
    assert front.raw().get("/readyz").json()["time_window"] == "checked"


def test_a_clock_outside_the_peers_window_is_not_ready_until_it_is_right(front: Front) -> None:
    front.channel.skewed = True
    ready = front.raw().get("/readyz")
    assert (ready.status_code, ready.json()["away"], ready.json()["clock"]) == (503, ["clock"], "wrong")
    front.channel.skewed = False
    ready = front.raw().get("/readyz")
    assert (ready.status_code, ready.json()["clock"]) == (200, "right")
    front.channel.away = True
    assert front.raw().get("/readyz").json()["clock"] == "unknown"


def test_store_that_is_away_is_named_until_it_is_back(front: Front) -> None:
    folder = front.folder / "objects"
    folder.rename(front.folder / "unmounted")
    ready = front.raw().get("/readyz")
    assert (ready.status_code, ready.json()["away"], ready.json()["store"]) == (503, ["store"], "away")
    (front.folder / "unmounted").rename(folder)
    assert front.raw().get("/readyz").status_code == 200


def test_invented_methods_share_one_figure(front: Front) -> None:
    for number in range(20):
        front.raw().request(f"INVENTED{number}", "/v1/market")
    figures = front.raw().get("/metrics").text
    assert "INVENTED" not in figures
    assert 'method="other"' in figures


def test_ledger_that_is_away_is_503_to_who_must_ask_it(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    from countermark.platform.ports import UnavailableError

    def evaluate(*_: object, **__: object) -> bytes:
        raise UnavailableError("", "peer0.platform.example:7051 does not answer")

    monkeypatch.setattr(front.chain, "evaluate", evaluate)
    client = front.http(front.world.market.supervisor)
    answer = front.raw().send(client._request("GET", "/v1/audit/accounts/x"))
    assert (answer.status_code, answer.json()["code"]) == (503, "ledger_unavailable")
    assert "peer0" not in answer.text


def test_page_to_try_it_needs_nobody_else(front: Front) -> None:
    with front.raw() as client:
        assert client.get("/docs").headers["Location"] == "/docs/swagger"
        page = client.get("/docs/swagger")
        assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert assets
        assert not [asset for asset in assets if "//" in asset]
        for asset in assets:
            assert client.get(f"/docs/{asset}").status_code == 200
        assert "validatorUrl" in page.text


def test_figures_have_routes_and_no_ids(front: Front) -> None:
    front.raw().get("/v1/listings/dc1something")
    text = front.raw().get("/metrics").text
    assert 'countermark_requests_total{method="GET",route="/v1/listings/<listing>",status="404"} 1.0' in text
    assert "dc1something" not in text


def test_gateway_without_a_faucet_has_no_such_resource(database: Database, tmp_path: Any) -> None:
    front = Front(database, tmp_path, faucet=False)
    buyer = front.trader("buyer")
    from countermark.client.errors import ClientError

    with pytest.raises(ClientError, match=r"not_found.*faucet"):
        buyer.http.post(f"/v1/accounts/{buyer.address}/fund", {"amount": "1", "reference": "x"})
    front.close()
