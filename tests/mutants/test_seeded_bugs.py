"""The seeded bugs of docs/reliability.md: each is put into the product, and a named test finds it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.figures import show
from tests.support.mutants import Mutant, check_caught, run_tests

BUGS = {
    "no nonce check": Mutant(
        "chaincode/calling.py",
        "        if known is not None:\n            return _replay(known, intent)\n",
        "",
        "tests/contract/test_intents.py::test_cancelled_nonce_never_acts[memory]",
        "DID NOT RAISE",
    ),
    "change not returned": Mutant(
        "chaincode/purse.py",
        "    if payment.change:\n",
        "    if payment.change < 0:\n",
        "tests/contract/test_coins.py::test_change_goes_back_to_the_payer[memory]",
        "money_not_conserved",
    ),
    "fee to the platform on refund": Mutant(
        "protocol/settlement.py",
        "paid[Receiver.PLATFORM if settled else Receiver.SELLER]",
        "paid[Receiver.PLATFORM]",
        "tests/contract/test_trade_ends.py::test_enforce_alone_ends_every_state[memory-UPLOADED]",
        "'platform': 250",
    ),
    "outbox row lost": Mutant(
        "platform/store/outbox/statements.py",
        ".where(_OPEN, _UNHELD)",
        ".where(outbox.c.state == OPEN_STATES[0], _UNHELD)",
        "tests/unit/platform/store/test_outbox.py::test_a_crash_at_any_point_neither_loses_nor_doubles_the_request",
        "assert 0 == 1",
    ),
    "checkpoint before commit": Mutant(
        "platform/projection/projector.py",
        "            if not self._apply(connection, block, read_checkpoint(connection)):\n",
        """            last = read_checkpoint(connection)
            with self._database.begin() as before:
                moved = {"block_number": block.number, "block_hash": block.header_hash}
                statement = upsert(tables.checkpoint).values(id=1, **moved)
                before.execute(statement.on_conflict_do_update(index_elements=["id"], set_=moved))
            if not self._apply(connection, block, last):
""",
        "tests/unit/platform/projection/test_projector.py"
        "::test_an_unreadable_write_stops_the_projection_with_nothing_of_its_block_applied",
        "AssertionError: assert 'sha256:",
    ),
    "stale gate": Mutant(
        "platform/matching/gate.py",
        "        self._index.refresh(connection)\n        complete",
        "        complete",
        "tests/attack/test_two_sellers_at_once.py::test_seller_registers_what_another_is_registering",
        r"assert \['allowed', 'allowed'\] == \['allowed', ",
    ),
    "expired intent accepted": Mutant(
        "protocol/intents.py",
        "    if now_ms > intent.expires_at_ms:\n",
        "    if now_ms < 0:\n",
        "tests/contract/test_intents.py::test_expired_intent_is_refused_and_its_last_moment_counts[memory]",
        "DID NOT RAISE",
    ),
    "phase ended by the clock": Mutant(
        "chaincode/context.py",
        "self.now_ms < deadline_ms + guard_s * 1000",
        "self.now_ms < deadline_ms",
        "tests/contract/test_trade_ends.py::test_enforce_before_deadline_and_guard_is_refused[memory]",
        "too_early",
    ),
    "peer ERROR taken as a value": Mutant(
        "chaincode/shim/stream.py",
        "        if reply.type == _M.ERROR:\n",
        "        if reply.type == _M.UNDEFINED:\n",
        "tests/unit/chaincode/test_stream.py::TestEveryInvocationIsAnswered"
        "::test_an_error_of_the_peer_is_raised_and_never_taken_for_data",
        "assert b'a value' == b'refused'",
    ),
    "board entry dropped between anchors": Mutant(
        "platform/board/log.py",
        "        connection.execute(\n            tables.board.insert()",
        "        (connection.execute if size % 4 != 2 else str)(\n            tables.board.insert()",
        "tests/unit/platform/test_board.py::test_the_sequence_has_no_gap_under_concurrency_and_rollbacks",
        "assert \\[0, 1, 3,",
    ),
    "exact digest not compared in a decision": Mutant(
        "protocol/decisions.py",
        "Finding.AS_REGISTERED if same_bytes else Finding.ALTERED",
        "Finding.AS_REGISTERED",
        "tests/unit/protocol/test_decisions.py::test_the_seller_wins_by_bytes_and_fingerprint_alone",
        "AS_REGISTERED",
    ),
    "endorsement by one organisation accepted": Mutant(
        "network/lifecycle/definition.py",
        "policy=policy or all_of(SignedBy(supervisor), any_of(*others)),",
        "policy=any_of(SignedBy(supervisor), *others),",
        "tests/unit/network/embedded/test_embedded_validation.py::test_supervisor_and_one_other_must_endorse",
        r"assert \[<Code.VALID: 0>\] == \[<Code.ENDORS",
    ),
}


@pytest.fixture(scope="module")
def caught() -> Iterator[list[str]]:
    bugs: list[str] = []
    yield bugs
    show(f"seeded bugs: {len(bugs)} of {len(BUGS)} caught, each by its named test")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("bug", BUGS)
def test_is_caught_by_its_named_test(bug: str, tmp_path: Path, caught: list[str]) -> None:
    check_caught(BUGS[bug], tmp_path)
    caught.append(bug)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_named_tests_pass_without_the_bugs() -> None:
    done = run_tests(*dict.fromkeys(mutant.test for mutant in BUGS.values()))
    assert done.returncode == 0, done.stdout


def test_all_twelve_are_here() -> None:
    assert len(BUGS) == 12
