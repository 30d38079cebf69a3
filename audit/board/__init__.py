"""The send-receive board as evidence: what a party's document proves, judged by a ledger and without the platform.

`ledger` reads out of verified blocks what they say of the board, `judging` draws the conclusions.
"""

from countermark.audit.board.judging import Judgement, Reason, Twice, Verdict, find_twice, judge
from countermark.audit.board.ledger import BoardLedger, Sought
from countermark.audit.board.reading import read_blocks, read_bundle, sought

__all__ = [
    "BoardLedger",
    "Judgement",
    "Reason",
    "Sought",
    "Twice",
    "Verdict",
    "find_twice",
    "judge",
    "read_blocks",
    "read_bundle",
    "sought",
]
