"""/v1/trades/{id}/opening: what the buyer opens for those who decide, kept only where somebody waits for it."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from countermark.client import disputes, purchases
from countermark.platform.disputes.openings import HANDED_IN, object_name
from countermark.platform.relay.retention import DAY_MS, RetentionJob
from countermark.protocol import canonical, intents, sealed
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode
from countermark.protocol.sealed import open_sealed
from tests.support.market import SUPERVISOR, actor
from tests.unit.gateway.conftest import Sale, refused


def test_openings_of_a_dispute_are_kept_sealed_for_those_who_decide(sale: Sale) -> None:
    trade = sale.pay()
    sale.send(trade)
    purchases.dispute(sale.buyer.market, trade, "undecryptable")
    with refused(ErrorCode.COMMITMENT_MISMATCH):
        _open_with(sale, trade, "arbiter")
    with refused(ErrorCode.UNKNOWN_TRADE):
        stranger = sale.front.trader("stranger")
        stranger.vault.put("trades", trade, sale.buyer.vault.get("trades", trade) or {})
        disputes.open_key(stranger.market, stranger.vault, sale.buyer.trade(trade))
    disputes.open_key(sale.buyer.market, sale.buyer.vault, sale.buyer.trade(trade))
    resource = sale.buyer.trade(trade)
    assert resource["state"] == "EVIDENCED"
    for judge, keys in (("arbiter", actor("arbiter", SUPERVISOR)), ("substitute", actor("substitute", SUPERVISOR))):
        stored = b"".join(sale.front.world.objects.read(object_name(trade, resource["openings"][judge])))
        opened = open_sealed(
            {1: keys.encryption}, canonical.loads(stored), kind=disputes.KIND, market=sale.buyer.market.name
        )
        assert canonical.loads(opened)["trade"] == trade


def _open_with(sale: Sale, trade: str, wrong: str) -> None:
    """Send openings of which one is not what the intent commits to."""
    message = sealed.seal(
        actor("third").encryption.public, b"{}", kind=disputes.KIND, market=sale.buyer.market.name, key_version=1
    )
    committed = digest(canonical.dumps(message))
    params = {"trade": trade, "opening": committed, "substitute_opening": committed}
    openings = {"arbiter": message, "substitute": message} | {wrong: message | {"key_version": 2}}
    body = {"intent": sale.buyer.market.sign("trade.open", params), "openings": openings}
    sale.buyer.http.post(f"/v1/trades/{trade}/opening", body, wait_s=5)


def _hand_in(sale: Sale, trade: str, *, who: str = "buyer", age_ms: int = 0) -> Any:
    """Hand in well-formed openings of nothing, as often as one likes."""
    opening = {"v": 1, "kind": "opening", "key_version": 1, "ciphertext": secrets.token_hex(1000)}
    committed = digest(canonical.dumps(opening))
    token = intents.sign(
        actor(who).key,
        market=sale.buyer.market.name,
        action="trade.open",
        params={"trade": trade, "opening": committed, "substitute_opening": committed},
        issued_at_ms=sale.front.services.clock() - age_ms,
    )
    http = sale.front.http(actor(who))
    return http.post(f"/v1/trades/{trade}/opening", {"intent": token, "openings": _both(opening)})


def _both(opening: dict[str, Any]) -> dict[str, Any]:
    return {"arbiter": opening, "substitute": opening}


def _kept(sale: Sale) -> list[Path]:
    return [path for path in (sale.front.folder / "objects/openings").rglob("*") if path.is_file()]


def _dispute(sale: Sale) -> str:
    trade = sale.pay()
    sale.send(trade)
    purchases.dispute(sale.buyer.market, trade, "undecryptable")
    return trade


@pytest.mark.parametrize("state", ["PAID", "SENT"])
def test_opening_that_no_dispute_waits_for_is_not_kept(sale: Sale, state: str) -> None:
    trade = sale.pay()
    if state == "SENT":
        sale.send(trade)
    with refused(ErrorCode.WRONG_STATE) as caught:
        _hand_in(sale, trade)
    assert caught.value.extra is not None
    assert caught.value.extra["trade_state"] == state
    assert _kept(sale) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"who": "seller"}, ErrorCode.WRONG_ACTOR),
        ({"who": "stranger"}, ErrorCode.UNKNOWN_TRADE),
        ({"age_ms": DAY_MS}, ErrorCode.INTENT_EXPIRED),
    ],
)
def test_opening_that_cannot_count_is_not_kept(sale: Sale, change: dict[str, Any], code: ErrorCode) -> None:
    trade = _dispute(sale)
    with refused(code):
        _hand_in(sale, trade, **change)
    assert _kept(sale) == []


def test_openings_do_not_fill_the_disk_while_the_ledger_is_away(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    trade = _dispute(sale)
    monkeypatch.setattr(sale.front.services.openings, "_quota", replace(HANDED_IN, most=3))
    sale.front.channel.away = True
    for _ in range(3):
        assert _hand_in(sale, trade)["state"] == "pending"
    with refused(ErrorCode.RATE_LIMITED):
        _hand_in(sale, trade)
    assert len(_kept(sale)) == 3


@pytest.mark.parametrize("held", [False, True])
def test_openings_go_with_the_package_unless_a_hold_keeps_both(sale: Sale, held: bool) -> None:
    trade = _dispute(sale)
    disputes.open_key(sale.buyer.market, sale.buyer.vault, sale.buyer.trade(trade))
    world = sale.front.world
    for _ in range(2):  # the arbiter's time, then his substitute's
        world.market.expire()
        world.market.enforce(trade)
    assert sale.buyer.trade(trade)["state"] in ("SETTLED", "REFUNDED")
    job = RetentionJob(world.database, objects=world.objects, clock=world.clock, kept_days=7)
    job.run_once()
    assert len(_kept(sale)) == 2
    if held:
        world.market.ask(world.market.supervisor, "listing.hold", {"listing": sale.buyer.trade(trade)["listing"]})
    world.wait(8 * DAY_MS / 1000)
    assert job.run_once() == (0 if held else 1)
    assert len(_kept(sale)) == (2 if held else 0)
