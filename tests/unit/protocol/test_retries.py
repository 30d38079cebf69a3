"""The one table of what may follow a failure: its rows, and what no row may say."""

import itertools

import pytest

from countermark.protocol.errors import ErrorCode
from countermark.protocol.retries import Phase, Retry, after_refusal, after_status, after_verdict

STATUSES = (
    *(
        "ABORTED",
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "FAILED_PRECONDITION",
        "INTERNAL",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
    ),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNKNOWN"),
)
COULD_NOT_LAUNCH = "failed to execute transaction ab: could not launch chaincode countermark:1: connection refused"


@pytest.mark.parametrize(("phase", "status"), list(itertools.product((Phase.SUBMIT, Phase.COMMIT_STATUS), STATUSES)))
def test_an_envelope_that_has_left_is_never_followed_by_a_new_proposal(phase: Phase, status: str) -> None:
    assert after_status(phase, status).retry is not Retry.ANEW


@pytest.mark.parametrize("status", STATUSES)
def test_only_an_orderers_own_refusal_says_that_an_envelope_was_not_taken(status: str) -> None:
    known = {"ABORTED", "FAILED_PRECONDITION", "INVALID_ARGUMENT", "NOT_FOUND"}
    assert (after_status(Phase.SUBMIT, status).code is not ErrorCode.OUTCOME_UNKNOWN) == (status in known)


@pytest.mark.parametrize("status", STATUSES)
def test_a_commit_status_that_is_not_had_leaves_the_outcome_unknown(status: str) -> None:
    assert after_status(Phase.COMMIT_STATUS, status).code is ErrorCode.OUTCOME_UNKNOWN


@pytest.mark.parametrize(("phase", "status"), list(itertools.product(Phase, ("UNAVAILABLE", "RESOURCE_EXHAUSTED"))))
def test_a_gateway_that_is_away_or_full_is_followed_by_another(phase: Phase, status: str) -> None:
    assert after_status(phase, status).retry is Retry.OTHER


@pytest.mark.parametrize("phase", Phase)
def test_a_deadline_is_followed_by_another_gateway_unless_waiting_is_what_was_asked_for(phase: Phase) -> None:
    expected = Retry.SAME if phase is Phase.COMMIT_STATUS else Retry.OTHER
    assert after_status(phase, "DEADLINE_EXCEEDED").retry is expected


@pytest.mark.parametrize("phase", Phase)
def test_a_call_that_we_ended_ourselves_says_nothing_of_the_gateway(phase: Phase) -> None:
    assert after_status(phase, "CANCELLED").retry in (Retry.SAME, Retry.ASK)


@pytest.mark.parametrize(
    ("said", "retry"),
    [
        (COULD_NOT_LAUNCH, Retry.OTHER),
        ("chaincode stream terminated", Retry.OTHER),
        ("transaction returned with failure: the chaincode is shutting down", Retry.OTHER),
        ("ProposalResponsePayloads do not match", Retry.ANEW),
        ("", Retry.ANEW),
    ],
)
def test_a_chaincode_that_is_gone_is_another_gateways_business_and_a_disagreement_is_not(
    said: str, retry: Retry
) -> None:
    assert after_status(Phase.ENDORSE, "ABORTED", said).retry is retry
    # An orderer's refusal is one, whatever it quotes.
    assert after_status(Phase.SUBMIT, "ABORTED", said).retry is Retry.NEVER


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("UNAVAILABLE", "failed to find any endorsing peers for org(s): PlatformMSP"),
        (
            "ABORTED",
            "error in simulation: failed to distribute private collection, txID 0, channel market: could not build "
            "private data dissemination plan for chaincode countermark and collection fingerprints: required to "
            "disseminate to at least 1 peers, but know of only 0 eligible peers",
        ),
    ],
)
def test_that_another_peer_is_away_is_not_held_against_the_gateway_that_says_so(status: str, said: str) -> None:
    """Else all gateways would count as away while the platform's peer is, and a hanging one be asked before them."""
    assert after_status(Phase.ENDORSE, status, said) == (Retry.SAME, ErrorCode.LEDGER_UNAVAILABLE)


@pytest.mark.parametrize(("phase", "status"), list(itertools.product((Phase.EVALUATE, Phase.ENDORSE), STATUSES)))
def test_a_proposal_of_another_time_is_made_anew_and_known_by_its_own_code(phase: Phase, status: str) -> None:
    said = "request unauthorized due to incorrect timestamp 1970-01-01, peer time 2026-01-01"
    assert after_status(phase, status, said) == (Retry.ANEW, ErrorCode.CLOCK_SKEWED)


@pytest.mark.parametrize(
    ("verdict", "retry", "code"),
    [
        ("MVCC_READ_CONFLICT", Retry.ANEW, ErrorCode.CONFLICT),
        ("PHANTOM_READ_CONFLICT", Retry.ANEW, ErrorCode.CONFLICT),
        ("DUPLICATE_TXID", Retry.ASK, ErrorCode.CONFLICT),
        ("BAD_PROPOSAL_TXID", Retry.ASK, ErrorCode.CONFLICT),
        ("ENDORSEMENT_POLICY_FAILURE", Retry.NEVER, ErrorCode.ENDORSEMENT_FAILED),
        ("UNKNOWN_77", Retry.NEVER, ErrorCode.ENDORSEMENT_FAILED),
    ],
)
def test_a_verdict_says_whether_the_transaction_is_dead(verdict: str, retry: Retry, code: ErrorCode) -> None:
    assert after_verdict(verdict) == (retry, code)


@pytest.mark.parametrize("code", ErrorCode)
def test_a_refusal_is_final_unless_other_coins_may_do(code: ErrorCode) -> None:
    coins = {ErrorCode.COIN_SPENT, ErrorCode.UNKNOWN_COIN}
    assert after_refusal(code) is (Retry.ANEW if code in coins else Retry.NEVER)
