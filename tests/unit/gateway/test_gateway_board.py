"""What the gateway proves of the board: each entry in the first and the last anchored tree, and that trees go on."""

import pytest

from countermark.platform.store import tables
from countermark.protocol import merkle
from countermark.protocol.encoding import undigest
from countermark.protocol.errors import ErrorCode
from tests.support.front import Front
from tests.unit.gateway.conftest import Sale, refused


@pytest.fixture
def anchored(sale: Sale) -> Sale:
    """A sale whose two notices stand under an anchor each."""
    trade = sale.pay()
    sale.send(trade)
    sale.receive(trade)
    assert [row.size for row in sale.front.world.rows(tables.anchors)] == [1, 2]
    return sale


@pytest.mark.requirement("R67")
def test_entry_is_proven_in_the_first_and_in_the_last_anchored_tree(anchored: Sale) -> None:
    for tree, size in (("first", 1), ("last", 2)):
        proof = anchored.seller.http.get("/v1/board/0/proof", {"tree": tree})
        root, steps = undigest(proof["root"]), [undigest(step) for step in proof["path"]]
        assert proof["size"] == size
        merkle.verify_inclusion(undigest(proof["leaf"]), 0, size, root, steps)
    with refused(ErrorCode.MALFORMED_REQUEST):
        anchored.seller.http.get("/v1/board/0/proof", {"tree": "middle"})


@pytest.mark.requirement("R67")
def test_whoever_knows_one_anchored_tree_is_shown_that_another_goes_on_it(anchored: Sale) -> None:
    known = anchored.seller.http.get("/v1/board/0/proof", {"tree": "first"})
    for who in (anchored.seller, anchored.buyer, anchored.front.trader("stranger")):
        shown = who.http.get("/v1/board/consistency", {"first": 1, "second": 2})
        assert shown["first"] == {"size": 1, "root": known["root"]}
        roots = [undigest(shown[name]["root"]) for name in ("first", "second")]
        merkle.verify_consistency(1, roots[0], 2, roots[1], [undigest(step) for step in shown["path"]])


@pytest.mark.parametrize(("first", "second"), [(1, 3), (2, 1), (3, 3)])
def test_trees_that_were_not_anchored_are_not_compared(anchored: Sale, first: int, second: int) -> None:
    with refused(ErrorCode.NOT_FOUND):
        anchored.seller.http.get("/v1/board/consistency", {"first": first, "second": second})


def test_trees_are_shown_to_accounts_alone(front: Front) -> None:
    with refused(ErrorCode.SIGNATURE_REQUIRED):
        front.http().get("/v1/board/consistency", {"first": 1, "second": 2})


def test_proof_that_does_not_hold_does_not_leave(anchored: Sale) -> None:
    with anchored.front.services.database.begin() as connection:
        connection.execute(tables.board.update().where(tables.board.c.seq == 1).values(leaf_hash=bytes(32)))
    with refused(ErrorCode.INTERNAL):
        anchored.seller.http.get("/v1/board/0/proof")
    assert anchored.seller.http.get("/v1/board/0/proof", {"tree": "first"})["size"] == 1
