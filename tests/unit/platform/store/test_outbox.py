"""No write to the ledger is lost, made twice or answered differently, whatever breaks and whoever asks again."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from countermark.chaincode.shim.stub import Response, Stub
from countermark.platform import ports
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import IntentKey, Request, State
from countermark.platform.store.outbox.queue import LeaseLostError
from countermark.platform.store.sql import text, update
from countermark.protocol.errors import ErrorCode, MarketError
from tests.fixtures.ledger import Crash, MemoryLedger, once
from tests.support.outbox_setting import FAR_MS, Setting, counter, request


def test_a_request_is_ordered_committed_and_answered(setting: Setting) -> None:
    entry = setting.submitter.request(request(), wait_s=5)
    assert entry.state is State.COMMITTED
    assert json.loads(entry.result)["id"] == "1"
    assert (entry.block_number, entry.validation, entry.error) == (1, 0, None)
    assert setting.ledger.submitted == [entry.tx_id]


def test_the_signed_envelope_is_durable_before_it_leaves(setting: Setting) -> None:
    seen: list[Any] = []
    setting.ledger.before["submit"] = lambda tx_id: seen.append(setting.row(tx_id))
    entry = setting.submitter.request(request(), wait_s=5)
    assert [(row.state, row.envelope) for row in seen] == [("ENDORSED", b"envelope " + entry.tx_id.encode())]


def test_a_row_is_saved_with_what_it_belongs_to_or_not_at_all(setting: Setting) -> None:
    def gate() -> None:
        with setting.database.begin() as connection:
            setting.outbox.enqueue(connection, request())
            raise MarketError(ErrorCode.SIMILAR_REGISTERED)

    with pytest.raises(MarketError, match="similar_registered"):
        gate()
    assert setting.rows() == 0


@pytest.mark.parametrize("moment", ["at once", "after the end"])
def test_the_same_intent_has_the_same_answer(setting: Setting, moment: str) -> None:
    first = setting.enqueue(request())
    if moment == "after the end":
        first = setting.submitter.drive(first, wait_s=5)
    again = setting.enqueue(request())
    assert (again.request_id, again.tx_id) == (first.request_id, first.tx_id)
    assert again.holder == ""
    setting.submitter.drive(first, wait_s=5)
    assert setting.submitter.request(request(), wait_s=5).result == setting.submitter.drive(again, wait_s=5).result
    assert setting.count == 1


def test_the_same_intent_from_many_sides_at_once_has_one_effect_and_one_answer(setting: Setting) -> None:
    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(lambda _: setting.submitter.request(request(), wait_s=20), range(24)))
    assert {entry.state for entry in entries} == {State.COMMITTED}
    assert len({(entry.tx_id, entry.result) for entry in entries}) == 1
    assert (setting.count, len(setting.ledger.submitted)) == (1, 1)


def test_another_payload_under_a_used_nonce_is_refused(setting: Setting) -> None:
    setting.submitter.request(request(), wait_s=5)
    with pytest.raises(MarketError) as refused:
        setting.submitter.request(request(digest="sha256:2"), wait_s=5)
    assert refused.value.code is ErrorCode.INTENT_REPLAYED
    assert setting.rows() == 1


def test_a_nonce_belongs_to_its_signer(setting: Setting) -> None:
    setting.submitter.request(request(), wait_s=5)
    other = request(intent=IntentKey("did:key:other", "n", "sha256:2", FAR_MS), args=(b"other", b"{}"))
    assert setting.submitter.request(other, wait_s=5).state is State.COMMITTED


def test_a_refusal_is_final_and_nothing_is_ordered(setting: Setting) -> None:
    for _ in range(2):
        entry = setting.submitter.request(request(function="fail"), wait_s=5)
        assert entry.state is State.REFUSED
        assert entry.error is not None
        assert (entry.error.code, entry.error.detail) == (ErrorCode.WRONG_STATE, "it always fails")
    assert setting.ledger.submitted == []
    assert setting.rows() == 1


def test_an_intent_that_another_gateway_used_is_answered_with_its_first_outcome(setting: Setting) -> None:
    setting.channel.invoke("TraderMSP", "add", "n")
    entry = setting.submitter.request(request(), wait_s=5)
    assert entry.state is State.COMMITTED
    assert entry.replayed
    assert (entry.block_number, json.loads(entry.result)["id"]) == (None, "1")
    assert setting.ledger.submitted == []


def test_without_a_ledger_the_request_waits_and_a_worker_finishes_it(setting: Setting) -> None:
    setting.ledger.before["endorse"] = once(ports.UnavailableError("", "no peer"))
    waiting = setting.submitter.request(request(), wait_s=5)
    assert (waiting.state, waiting.holder) == (State.NEW, "")
    setting.expire_leases()
    assert setting.submitter.run_once() == 1
    done = setting.submitter.wait(waiting.tx_id, timeout_s=0)
    assert (done.state, done.request_id) == (State.COMMITTED, waiting.request_id)
    assert setting.count == 1
    # The first proposal was never endorsed: its id is superseded and still finds the request.
    assert setting.row(waiting.tx_id).superseded_by == done.tx_id


@pytest.mark.parametrize(
    ("point", "hooks"),
    [
        ("before endorsing", lambda ledger: ledger.before.update(endorse=once(Crash()))),
        ("endorsed, not saved", lambda ledger: ledger.after.update(endorse=once(Crash()))),
        ("saved, not submitted", lambda ledger: ledger.before.update(submit=once(Crash()))),
        ("submitted, status unknown", lambda ledger: ledger.after.update(submit=once(Crash()))),
        ("committed, not noted", lambda ledger: ledger.before.update(commit_status=once(Crash()))),
    ],
)
def test_a_crash_at_any_point_neither_loses_nor_doubles_the_request(
    setting: Setting, point: str, hooks: Callable[[MemoryLedger], None]
) -> None:
    hooks(setting.ledger)
    with pytest.raises(Crash):
        setting.submitter.request(request(transient={"s": b"known to endorsers"}), wait_s=5)
    after = setting.restart()
    after.ledger._endorsed = setting.ledger._endorsed  # envelopes are self-contained on a real ledger
    assert after.submitter.run_once() == 1
    entry = after.submitter.request(request(), wait_s=5)
    assert entry.state is State.COMMITTED, point
    assert after.count == 1
    assert json.loads(entry.result)["secret"] == "known to endorsers"
    assert after.submitter.run_once() == 0


def test_a_lost_answer_is_resolved_by_the_same_transaction_id(setting: Setting) -> None:
    setting.ledger.after["submit"] = once(ports.OutcomeUnknownError("", "the answer was lost"))
    setting.ledger.before["commit_status"] = once(ports.OutcomeUnknownError("", "no peer answers"))
    unknown = setting.submitter.request(request(), wait_s=5)
    assert unknown.state is State.ENDORSED
    setting.expire_leases()
    setting.submitter.run_once()
    done = setting.submitter.wait(unknown.request_id, timeout_s=0)
    assert (done.state, done.tx_id) == (State.COMMITTED, unknown.tx_id)
    assert (setting.count, setting.ledger.submitted) == (1, [unknown.tx_id])


def test_an_envelope_that_never_arrived_is_handed_over_again(setting: Setting) -> None:
    setting.ledger.before["submit"] = once(ports.OutcomeUnknownError("", "no orderer"))
    unknown = setting.submitter.request(request(), wait_s=0.05)
    assert unknown.state is State.ENDORSED
    setting.expire_leases()
    setting.submitter.run_once()
    done = setting.submitter.wait(unknown.request_id, timeout_s=0)
    assert (done.state, done.tx_id, setting.ledger.submitted) == (State.COMMITTED, unknown.tx_id, [unknown.tx_id])


NOT_TAKEN = MarketError(ErrorCode.ENDORSEMENT_FAILED, "the peer said ABORTED")


def test_an_envelope_that_the_orderers_refuse_is_not_handed_over_for_ever(setting: Setting) -> None:
    setting.ledger.before["submit"] = once(ports.RefusedError("", NOT_TAKEN))
    entry = setting.submitter.request(request(), wait_s=5)
    assert (entry.state, entry.final) == (State.REFUSED, True)
    assert entry.error is not None
    assert entry.error.code is ErrorCode.ENDORSEMENT_FAILED
    setting.expire_leases()
    assert setting.submitter.run_once() == 0
    assert (setting.count, setting.ledger.submitted) == (0, [])


def test_a_refusal_of_a_second_copy_does_not_close_a_row_whose_first_may_have_been_taken(setting: Setting) -> None:
    setting.ledger.holding = True
    setting.ledger.after["submit"] = once(ports.OutcomeUnknownError("", "the answer was lost"))
    unknown = setting.submitter.request(request(), wait_s=0.05)
    assert unknown.state is State.ENDORSED
    setting.ledger.before["submit"] = once(ports.RefusedError("", NOT_TAKEN))
    setting.expire_leases()
    setting.submitter.run_once(wait_s=0.05)
    assert setting.submitter.wait(unknown.tx_id, timeout_s=0).state is State.ENDORSED
    setting.ledger.cut()
    setting.expire_leases()
    setting.submitter.run_once()
    assert setting.submitter.wait(unknown.tx_id, timeout_s=0).state is State.COMMITTED
    assert setting.count == 1


def test_an_envelope_that_found_no_orderer_is_handed_over_later(setting: Setting) -> None:
    setting.ledger.before["submit"] = once(ports.UnavailableError("", "the peer knows no orderers yet"))
    waiting = setting.submitter.request(request(), wait_s=5)
    assert waiting.state is State.ENDORSED
    setting.expire_leases()
    setting.submitter.run_once()
    assert setting.submitter.wait(waiting.tx_id, timeout_s=0).state is State.COMMITTED
    assert setting.ledger.submitted == [waiting.tx_id]


def test_without_waiting_the_request_is_ordered_and_left_to_the_workers(setting: Setting) -> None:
    pending = setting.submitter.request(request(), wait_s=0)
    assert pending.state is State.SUBMITTED
    assert setting.ledger.submitted == [pending.tx_id]
    assert setting.submitter.run_once() == 1
    assert setting.submitter.wait(pending.tx_id, timeout_s=0).state is State.COMMITTED


def test_an_envelope_that_an_orderer_took_is_waited_for_and_not_handed_over_twice(setting: Setting) -> None:
    setting.ledger.holding = True
    pending = setting.submitter.request(request(), wait_s=0)
    with ThreadPoolExecutor(1) as pool:
        turn = pool.submit(setting.submitter.run_once, wait_s=30)
        while setting.row(pending.tx_id).lease_holder is None:
            assert not turn.done()
        setting.ledger.cut()
        assert turn.result() == 1
    assert setting.submitter.wait(pending.tx_id, timeout_s=0).state is State.COMMITTED
    assert setting.ledger.submitted == [pending.tx_id]


def test_an_envelope_that_an_orderer_took_and_lost_commits_with_the_same_bytes(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.platform.store.outbox.ordering.RESEND_S", 0.05)
    setting.ledger.holding = True

    def lose(_tx_id: str) -> None:
        setting.ledger._pool.clear()
        setting.ledger.holding = False
        del setting.ledger.after["submit"]

    setting.ledger.after["submit"] = lose
    entry = setting.submitter.request(request(), wait_s=30)
    assert (entry.state, entry.attempt) == (State.COMMITTED, 1)
    assert setting.ledger.submitted == [entry.tx_id] * 2
    assert setting.count == 1


def test_of_copies_in_one_block_the_one_that_counts_decides(setting: Setting) -> None:
    setting.ledger.holding = True
    setting.ledger.after["submit"] = once(ports.OutcomeUnknownError("", "the answer was lost"))
    unknown = setting.submitter.request(request(), wait_s=0)
    setting.expire_leases()
    setting.submitter.run_once(wait_s=0)
    setting.ledger.cut()
    assert [one.code_name for one in setting.channel.blocks[-1].transactions] == ["VALID", "DUPLICATE_TXID"]
    setting.expire_leases()
    setting.submitter.run_once()
    done = setting.submitter.wait(unknown.tx_id, timeout_s=0)
    assert (done.state, done.attempt, setting.count) == (State.COMMITTED, 1, 1)


def test_an_expired_intent_is_not_tried_again(setting: Setting) -> None:
    entry = setting.submitter.request(request(expires_ms=1), wait_s=5)
    assert entry.state is State.REFUSED
    assert entry.error is not None
    assert entry.error.code is ErrorCode.INTENT_EXPIRED
    assert setting.channel.height == 0


def test_a_request_without_an_intent_is_driven_too(setting: Setting) -> None:
    entries = [setting.submitter.request(Request("add", (nonce,)), wait_s=5) for nonce in (b"a", b"b")]
    assert [entry.state for entry in entries] == [State.COMMITTED] * 2
    assert setting.count == 2


def test_two_workers_never_lease_the_same_row(setting: Setting) -> None:
    for number in range(6):
        setting.enqueue(request(f"n{number}"))
    setting.expire_leases()
    with setting.database.begin() as one, setting.database.begin() as other:
        first = setting.outbox.lease(one, limit=4)
        second = setting.outbox.lease(other, limit=4)
    assert (len(first), len(second)) == (4, 2)
    assert {entry.tx_id for entry in first}.isdisjoint(entry.tx_id for entry in second)
    with setting.database.begin() as connection:
        assert setting.outbox.lease(connection, limit=4) == []


def test_the_row_of_a_driver_that_was_killed_is_free_at_once(setting: Setting) -> None:
    """Nobody waits for its lease to run out: a trader's request goes on with the next turn of a worker."""
    killed = Database(setting.database._url.render_as_string(hide_password=False))
    with killed.begin() as connection:
        entry = setting.outbox.enqueue(connection, request())
    assert setting.submitter.run_once() == 0
    killed.close()
    # The server takes a moment to end a session; each turn is a round trip to it.
    give_up = time.monotonic() + 30
    while setting.submitter.run_once() == 0:
        assert time.monotonic() < give_up
    assert setting.row(entry.tx_id).superseded_by is not None
    assert setting.count == 1


def test_a_driver_whose_lease_was_taken_over_writes_nothing_more(setting: Setting) -> None:
    stale = setting.enqueue(request())
    setting.expire_leases()
    with setting.database.begin() as connection:
        taken = setting.outbox.take(connection, stale.tx_id)
    assert taken is not None
    with pytest.raises(LeaseLostError), setting.database.begin() as connection:
        setting.outbox.move(connection, stale, State.ENDORSED)
    driven = threading.Thread(target=setting.submitter.drive, args=(taken,), kwargs={"wait_s": 10})
    setting.ledger.after["endorse"] = lambda _tx_id: None
    driven.start()
    outcome = setting.submitter.drive(stale, wait_s=10)  # finds that it lost the lease, and waits for the other
    driven.join()
    assert outcome.state is State.COMMITTED
    assert setting.count == 1


def test_transient_data_is_sealed_while_kept_and_gone_at_the_end(setting: Setting) -> None:
    secret = b"the opening of a listing"
    entry = setting.enqueue(request(transient={"s": secret}))
    sealed = setting.row(entry.tx_id).transient
    assert sealed
    assert secret not in sealed
    assert secret.decode() not in repr(entry)
    with setting.database.begin() as connection:
        again = setting.outbox.find(connection, entry.tx_id)
    assert again is not None
    assert again.request.transient == {"s": secret}
    setting.submitter.drive(entry, wait_s=5)
    assert setting.row(entry.tx_id).transient is None


def test_a_damaged_row_does_not_hold_up_the_others(setting: Setting, caplog: pytest.LogCaptureFixture) -> None:
    damaged = setting.enqueue(request("damaged", transient={"s": b"x"}))
    sound = setting.enqueue(request("sound"))
    with setting.database.begin() as connection:
        rows = update(tables.outbox).where(tables.outbox.c.tx_id == damaged.tx_id)
        connection.execute(rows.values(transient=b"not what was sealed"))
    setting.expire_leases()
    assert setting.submitter.run_once() == 1
    assert setting.submitter.wait(sound.request_id, timeout_s=0).state is State.COMMITTED
    assert f"outbox row {damaged.tx_id} cannot be read" in caplog.text


def test_an_answer_that_is_not_json_leaves_the_row_open_and_the_others_alone(setting: Setting) -> None:
    async def babble(stub: Stub) -> Response:
        return Response(200, b"ok") if stub.args[0] == b"odd" else await counter(stub)

    setting.channel.handler = babble
    odd, sound = setting.enqueue(request("odd")), setting.enqueue(request("sound"))
    setting.expire_leases()
    assert setting.submitter.run_once() == 2
    assert setting.submitter.wait(odd.request_id, timeout_s=0).state is State.NEW
    assert setting.submitter.wait(sound.request_id, timeout_s=0).state is State.COMMITTED


def test_waiting_for_an_unknown_id_is_not_found(setting: Setting) -> None:
    with pytest.raises(MarketError) as missing:
        setting.submitter.wait("nothing", timeout_s=1)
    assert missing.value.code is ErrorCode.NOT_FOUND


def test_waiting_ends_with_its_time(setting: Setting) -> None:
    entry = setting.enqueue(request())
    assert setting.submitter.wait(entry.tx_id, timeout_s=0.05).state is State.NEW


def test_a_database_that_goes_away_leaves_the_row_for_a_worker(setting: Setting) -> None:
    entry = setting.enqueue(request())

    def cut_connections(_tx_id: str) -> None:
        del setting.ledger.after["endorse"]
        # In use for no statement just now: the pool notices and reconnects, as after a restart of the server.
        with setting.database.begin() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(text(f"{others} AND datname = current_database()"))

    setting.ledger.after["endorse"] = cut_connections
    assert setting.submitter.drive(entry, wait_s=5).state is State.COMMITTED
    assert setting.count == 1
