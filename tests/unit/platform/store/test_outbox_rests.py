"""A row that cannot go on rests, ever longer, and neither starves nor harms the others."""

from dataclasses import replace
from typing import Any

import pytest

from countermark.platform import ports
from countermark.platform.store import tables
from countermark.platform.store.outbox import IntentKey, Request, State
from countermark.platform.store.outbox.queue import LONGEST_REST_MS, REST_MS
from countermark.platform.store.sql import update
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.outbox_setting import FAR_MS, Setting, request


def _without(setting: Setting, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> Request:
    """Let the endorsement of one organisation fail, and return a request that needs it."""
    endorse = setting.ledger.endorse

    def fail(prepared: ports.Prepared, *, organisations: Any = (), timeout_s: float = 10.0) -> ports.Endorsed:
        if organisations:
            raise failure
        return endorse(prepared, organisations=organisations, timeout_s=timeout_s)

    monkeypatch.setattr(setting.ledger, "endorse", fail)
    return request(organisations=("SupervisorMSP",))


def _rest(setting: Setting, ms: int) -> None:
    """Let `ms` milliseconds of the leases' time pass."""
    with setting.database.begin() as connection:
        outbox = tables.outbox
        connection.execute(update(outbox).values(lease_until_ms=outbox.c.lease_until_ms - ms))


def test_rows_that_cannot_go_on_do_not_starve_the_others(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    needy = _without(setting, monkeypatch, ports.UnavailableError("", "one organisation is away"))
    for number in range(8):
        key = IntentKey("did:key:me", f"needy{number}", "sha256:1", FAR_MS)
        setting.enqueue(replace(needy, args=(b"needy%d" % number, b"{}"), intent=key))
    setting.expire_leases()
    setting.submitter.run_once(limit=8)
    good = setting.enqueue(request("good"))
    _rest(setting, 60_000)  # the good one has come last of all
    for _ in range(2):
        setting.submitter.run_once(limit=8)
        _rest(setting, REST_MS)
    assert setting.submitter.wait(good.request_id, timeout_s=0).state is State.COMMITTED


def test_a_row_that_is_tried_in_vain_rests_longer_each_time(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    needy = _without(setting, monkeypatch, ports.UnavailableError("", "one organisation is away"))
    entry = setting.submitter.request(needy)
    rests = []
    for _ in range(7):
        row = setting.row(entry.tx_id)
        rests.append(row.lease_until_ms - row.updated_ms)
        setting.expire_leases()
        setting.submitter.run_once()
    assert all(rest >= expected for rest, expected in zip(rests, (500, 1000, 2000, 4000, 8000), strict=False))
    assert rests[-1] >= LONGEST_REST_MS
    assert setting.row(entry.tx_id).tries == 8


def test_an_unforeseen_failure_of_one_row_leaves_the_others_alone(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    poison = setting.enqueue(_without(setting, monkeypatch, ValueError("SECRET")))
    good = [setting.enqueue(request(f"good{number}")) for number in range(3)]
    setting.expire_leases()
    assert setting.submitter.run_once() == 4
    assert {setting.submitter.wait(one.request_id, timeout_s=0).state for one in good} == {State.COMMITTED}
    assert setting.submitter.wait(poison.request_id, timeout_s=0).state is State.NEW
    assert f"outbox row {poison.tx_id} stays open: ValueError" in caplog.text
    assert "SECRET" not in caplog.text
    # It rests as any other that cannot go on, and no longer.
    _rest(setting, REST_MS)
    assert setting.submitter.run_once() == 1


def test_a_row_whose_driver_lost_the_database_is_free_when_he_has_found_it_again(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His process lives, so nobody else can see that he has given up."""
    entry = setting.enqueue(request("left"))

    def away(*_: object, **__: object) -> None:
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "the database does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(setting.outbox, "move", away)
        broken.setattr(setting.outbox, "hand_back", away)
        with pytest.raises(MarketError, match="database_unavailable"):
            setting.submitter.drive(entry)
    assert setting.submitter.request(request("other"), wait_s=5).state is State.COMMITTED
    _rest(setting, REST_MS)
    assert setting.submitter.run_once() == 1
    assert setting.submitter.wait(entry.request_id, timeout_s=0).state is State.COMMITTED
    assert setting.count == 2
