"""Reading a ledger for what documents of the board need: a bundle, or blocks as one's own peer gives them."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO

from countermark.audit.board.ledger import BoardInspection, BoardLedger, Sought
from countermark.audit.bundles.inspection import Verdict
from countermark.audit.bundles.manifest import Manifest
from countermark.audit.bundles.verification import verify
from countermark.audit.errors import AuditError
from countermark.audit.roots import Roots
from countermark.network.blocks import Block
from countermark.protocol import jws, receipts
from countermark.protocol.board_proofs import BoardProof, Inclusion
from countermark.protocol.errors import MarketError


def sought(proofs: Iterable[BoardProof], answers: Sequence[Inclusion] = ()) -> Sought:
    """Return what a ledger is to tell for ``proofs`` to be judged; nothing that they say is believed by that.

    Raises:
        AuditError: ``malformed_proof``.
    """
    numbers, sizes, trades = set(), {one.tree.size for one in answers}, set()
    for proof in proofs:
        try:
            payload = jws.verify(proof.receipt, receipts.TYP).payload
        except MarketError as error:
            raise AuditError("malformed_proof", f"its receipt: {error.detail}") from error
        trades.add(str(payload.get("subject")))
        number = payload.get("seq") if proof.entry is None else proof.entry.seq
        if isinstance(number, int):
            numbers.add(number)
        sizes |= {part.tree.size for part in (proof.inclusion, proof.growth) if part is not None}
    return Sought(frozenset(numbers), frozenset(sizes), frozenset(trades))


def read_bundle(
    source: BinaryIO, wanted: Sought, *, genesis: bytes = b"", roots: Roots | None = None
) -> tuple[BoardLedger, Verdict]:
    """Return what the bundle that ``source`` gives says of the board, and what else holds in it.

    Raises:
        AuditError: the first thing that does not hold, and where.
    """
    made: list[BoardInspection] = []

    def inspecting(manifest: Manifest, *, genesis: bytes, roots: Roots | None) -> BoardInspection:
        made.append(BoardInspection(manifest, wanted, genesis=genesis, roots=roots))
        return made[0]

    verdict, _ = verify(source, genesis=genesis, roots=roots, inspecting=inspecting)
    return made[0].board, verdict


def read_blocks(
    blocks: Iterable[Block], manifest: Manifest, wanted: Sought, *, genesis: bytes
) -> tuple[BoardLedger, Verdict]:
    """Return what ``blocks``, from number 0 to the last of the manifest's subject, say of the board, and what holds.

    Raises:
        AuditError: the first thing that does not hold, and where.
    """
    with BoardInspection(manifest, wanted, genesis=genesis) as inspection:
        for block in blocks:
            inspection.apply(block)
        verdict = inspection.verdict()
        return inspection.board, verdict
