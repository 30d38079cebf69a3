"""What a dispute can find, what follows from it, and the reasons whose digest the ledger holds."""

from dataclasses import replace

import pytest

from countermark.protocol.decisions import LONGEST_REMARK, Finding, Reasons, compare
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import Decision
from tests.support.market import refused

TRADE = "tr1" + "a" * 52


@pytest.mark.requirement("R73")
def test_the_seller_wins_by_bytes_and_fingerprint_alone() -> None:
    found = {
        (same_bytes, same_fingerprint): compare(same_bytes=same_bytes, same_fingerprint=same_fingerprint)
        for same_bytes in (True, False)
        for same_fingerprint in (True, False)
    }
    assert found == {
        (True, True): Finding.AS_REGISTERED,
        (False, True): Finding.ALTERED,
        (True, False): Finding.FALSE_FINGERPRINT,
        (False, False): Finding.OTHER_DATA,
    }
    delivered = [finding for finding in found.values() if finding.decision is Decision.DELIVERED]
    assert delivered == [Finding.AS_REGISTERED]


def test_every_finding_has_its_decision_and_every_decision_a_finding() -> None:
    assert {finding.decision for finding in Finding} == set(Decision)


def test_reasons_come_back_as_they_were_given_and_are_no_digest_twice() -> None:
    one, other = (Reasons.give(TRADE, Finding.ALTERED, "a copy") for _ in range(2))
    assert Reasons.from_json(one.to_json()) == one
    assert one.digest != other.digest
    assert replace(one, salt=other.salt).digest == other.digest


@pytest.mark.parametrize(
    "change",
    [
        {"trade": "tr1"},
        {"finding": "guilty"},
        {"remark": "x" * (LONGEST_REMARK + 1)},
        {"remark": "\x1b[2J"},
        {"salt": "AA"},
        {"more": 1},
    ],
)
def test_what_are_no_reasons_is_refused(change: dict[str, object]) -> None:
    document = Reasons.give(TRADE, Finding.NO_BYTES).to_json()
    with pytest.raises(MarketError):
        Reasons.from_json({**document, **change})
    with refused(ErrorCode.MALFORMED_REQUEST):
        Reasons.from_json(None)
