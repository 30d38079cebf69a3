"""A transaction that a block holds as invalid is made anew once it is dead, and never while it may still commit."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.contextvars import get_contextvars

from countermark.platform import ports
from countermark.platform.store import tables
from countermark.platform.store.outbox import State
from countermark.protocol.errors import ErrorCode
from tests.support.outbox_setting import Setting, request


def _conflict(setting: Setting) -> Callable[[str], None]:
    """Somebody else's transaction gets in between endorsement and submission, the first time."""
    done: list[bool] = []

    def interfere(tx_id: str) -> None:
        if not done:
            done.append(True)
            setting.channel.invoke("TraderMSP", "add", f"other {tx_id}")

    return interfere


def test_a_conflict_is_followed_by_a_new_transaction_once_the_old_one_is_dead(setting: Setting) -> None:
    setting.ledger.before["submit"] = _conflict(setting)
    entry = setting.submitter.request(request(), wait_s=5)
    assert (entry.state, entry.attempt) == (State.COMMITTED, 2)
    assert json.loads(entry.result)["id"] == "2"
    dead, alive = setting.ledger.submitted
    assert alive == entry.tx_id
    row = setting.row(dead)
    assert (row.state, row.validation_code, row.superseded_by) == ("INVALID", 11, alive)
    # Whoever holds the first id finds the outcome under it.
    assert setting.submitter.wait(dead, timeout_s=0).tx_id == alive


def test_lines_about_each_attempt_name_its_own_transaction(setting: Setting) -> None:
    interfere, named = _conflict(setting), []

    def look(tx_id: str) -> None:
        named.append((tx_id, get_contextvars().get("txid")))
        interfere(tx_id)

    setting.ledger.before["submit"] = look
    setting.submitter.request(request(), wait_s=5)
    assert len(named) == 2
    assert all(tx_id == name for tx_id, name in named)
    assert "txid" not in get_contextvars()


def test_a_new_transaction_is_not_made_while_the_old_one_may_still_commit(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.platform.store.outbox.ordering.RESEND_S", 0.01)
    setting.ledger.holding = True
    waiting = setting.submitter.request(request(), wait_s=0)
    for _ in range(3):
        setting.expire_leases()
        setting.submitter.run_once(wait_s=0)
    assert setting.rows() == 1
    assert set(setting.ledger.submitted) == {waiting.tx_id}
    setting.ledger.cut()  # the same envelope several times: one of them counts
    setting.expire_leases()
    setting.submitter.run_once()
    assert setting.submitter.wait(waiting.tx_id, timeout_s=0).state is State.COMMITTED
    assert setting.count == 1


def test_parallel_requests_that_meet_in_one_key_all_succeed(setting: Setting) -> None:
    with ThreadPoolExecutor(6) as pool:
        entries = list(pool.map(lambda n: setting.submitter.request(request(f"n{n}"), wait_s=30), range(12)))
    assert {entry.state for entry in entries} == {State.COMMITTED}
    assert setting.count == 12
    assert {json.loads(entry.result)["id"] for entry in entries} == {str(n) for n in range(1, 13)}


def test_conflicts_without_end_are_given_up(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countermark.platform.store.outbox.submitter.MAX_ATTEMPTS", 3)
    setting.ledger.before["submit"] = lambda tx_id: _conflict(setting)(tx_id)
    entry = setting.submitter.request(request(), wait_s=5)
    assert (entry.state, entry.attempt) == (State.INVALID, 3)
    assert entry.error is not None
    assert entry.error.code is ErrorCode.CONFLICT


def _claim(setting: Setting, *, valid: bool) -> None:
    """Let peers tell of the first id that is asked for what a false envelope with it has earned, in block 7.

    `valid`: the real one stands behind it in the same block.
    """
    ask = setting.ledger.commit_status

    def claimed(tx_id: str, *, timeout_s: float = 10.0) -> ports.CommitStatus:
        setting.ledger.commit_status = ask  # type: ignore[method-assign]  # once only
        row = {"block": 7, "tx_id": tx_id, "time_ms": 1, "kind": "endorser", "function": "add", "creator_msp": "M"}
        false = {**row, "position": 0, "valid": False, "code": 8, "code_name": "BAD_PROPOSAL_TXID"}
        real = {**row, "position": 1, "valid": True, "code": 0, "code_name": "VALID"}
        with setting.database.begin() as connection:
            block = {"number": 7, "header_hash": b"h", "previous_hash": b"p", "transactions": 2}
            connection.execute(tables.blocks.insert().values(**block))
            connection.execute(tables.transactions.insert(), [false, real] if valid else [false])
            connection.execute(tables.checkpoint.insert().values(id=1, block_number=7, block_hash=b"h"))
        return ports.CommitStatus(tx_id, 7, 8, "BAD_PROPOSAL_TXID")

    setting.ledger.commit_status = claimed  # type: ignore[method-assign]  # what peers say


def test_a_false_envelope_with_its_id_does_not_hide_that_a_transaction_has_committed(setting: Setting) -> None:
    """Else a member of the channel could have a payment called failed that was made."""
    _claim(setting, valid=True)
    entry = setting.submitter.request(request(), wait_s=5)
    assert (entry.state, entry.block_number, entry.validation, entry.attempt) == (State.COMMITTED, 7, 0, 1)


def test_a_transaction_whose_id_a_false_envelope_has_used_up_is_made_anew(setting: Setting) -> None:
    setting.ledger.holding = True  # ours is never ordered under that id
    _claim(setting, valid=False)

    def go_on(_tx_id: str) -> None:
        setting.ledger.holding = False

    setting.ledger.before["endorse"] = lambda tx_id: go_on(tx_id) if setting.rows() > 1 else None
    entry = setting.submitter.request(request(), wait_s=5)
    assert entry.state is State.COMMITTED
    assert entry.attempt > 1
    assert setting.count == 1


def test_any_other_verdict_of_the_peers_is_final(setting: Setting) -> None:
    def forged(tx_id: str, *, timeout_s: float = 10.0) -> ports.CommitStatus:
        return ports.CommitStatus(tx_id, 7, 10, "ENDORSEMENT_POLICY_FAILURE")

    setting.ledger.commit_status = forged  # type: ignore[method-assign]  # what peers say
    entry = setting.submitter.request(request(), wait_s=5)
    assert (entry.state, entry.block_number, entry.validation) == (State.INVALID, 7, 10)
    assert entry.error is not None
    assert entry.error.code is ErrorCode.ENDORSEMENT_FAILED
