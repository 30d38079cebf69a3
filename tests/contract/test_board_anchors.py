"""Anchors: the board only grows, and each anchor proves that it extends the one before."""

import pytest

from countermark.protocol import merkle
from countermark.protocol.encoding import as_digest
from countermark.protocol.errors import ErrorCode
from tests.support.market import PLATFORM, TRADER, Market, refused, tree

ENTRIES = tree(12)


def anchor(
    market: Market, size: int, *, before: int, leaves: list[bytes] = ENTRIES, proof: list[str] | None = None
) -> None:
    if proof is None:
        proof = [as_digest(node) for node in merkle.consistency_proof(leaves[:size], before)]
    params = {"size": size, "root": as_digest(merkle.root(leaves[:size])), "proof": proof}
    market.ask(market.platform, "board.anchor", params)


@pytest.mark.requirement("R14")
def test_board_is_anchored_as_it_grows(market: Market) -> None:
    assert market.backend.evaluate(TRADER, "board.show")["size"] == 0
    anchor(market, 3, before=0)
    anchor(market, 4, before=3)
    anchor(market, 12, before=4)
    last = market.backend.evaluate(TRADER, "board.show")
    assert (last["size"], last["root"]) == (12, as_digest(merkle.root(ENTRIES)))
    assert [int(size) for size in market.records("board/anchor/")] == [3, 4, 12]


@pytest.mark.parametrize("size", [1, 3])
def test_anchor_that_does_not_grow_is_stale(market: Market, size: int) -> None:
    anchor(market, 3, before=0)
    with refused(ErrorCode.ANCHOR_STALE):
        anchor(market, size, before=size)


@pytest.mark.requirement("R67")
@pytest.mark.parametrize("attack", ["entry rewritten", "entry dropped", "entries swapped"])
def test_rewritten_board_cannot_be_anchored(market: Market, attack: str) -> None:
    anchor(market, 5, before=0)
    other = list(ENTRIES)
    if attack == "entry rewritten":
        other[2] = merkle.leaf_hash(b"rewritten")
    elif attack == "entry dropped":
        del other[2]
    else:
        other[1], other[2] = other[2], other[1]
    with refused(ErrorCode.PROOF_INVALID):
        anchor(market, 9, before=5, leaves=other)
    assert market.backend.evaluate(TRADER, "board.show")["size"] == 5


def test_missing_or_surplus_proof_is_refused(market: Market) -> None:
    with refused(ErrorCode.PROOF_INVALID):
        anchor(market, 3, before=0, proof=[as_digest(ENTRIES[0])])
    anchor(market, 3, before=0)
    with refused(ErrorCode.PROOF_INVALID):
        anchor(market, 9, before=3, proof=[])


def test_only_the_platform_anchors(market: Market) -> None:
    params = {"size": 1, "root": as_digest(merkle.root(ENTRIES[:1])), "proof": []}
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.supervisor, "board.anchor", params)
    with refused(ErrorCode.WRONG_ACTOR):
        market.ask(market.stranger, "board.anchor", params, msp=PLATFORM)
    with refused(ErrorCode.NOT_PERMITTED):
        market.ask(market.platform, "board.anchor", params, msp=TRADER)
