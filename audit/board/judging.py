"""What a document of the board proves, and what it does not.

The platform's receipt promises an anchor by a time T for one leaf under one number. Against the ledger this is
decided, without the platform:

* a proof leads from the leaf to an anchored tree: the notice came in, and when, is proven;
* no tree that is large enough for the number was anchored before T and the guard have passed: the promise is broken,
  whatever the platform may show later. The ledger must go on until then, else it is not known;
* another leaf stands under the number in an anchored tree: the entry was rewritten, for there is one leaf at a place;
* two receipts promise different leaves under one number.

One thing is not decided: the trees are large enough and in time, and nobody has shown the path. From roots alone
nobody can tell that a leaf is not in a tree. Then the platform must show the path from its board; it can if the
entry is there, and if it does not, that is all there is to know.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from countermark.audit.board.ledger import Anchor, BoardLedger
from countermark.audit.errors import AuditError
from countermark.protocol import jws, receipts, times
from countermark.protocol.board_proofs import BoardProof, Growth, Inclusion, Shown
from countermark.protocol.encoding import as_digest
from countermark.protocol.entries import KINDS
from countermark.protocol.errors import MarketError

_ACTS = {KINDS["seller"]: "sent", KINDS["buyer"]: "received"}


class Verdict(StrEnum):
    """What is decided."""

    PROVEN = "proven"
    AT_FAULT = "at_fault"  # the platform is
    OPEN = "open"


class Reason(StrEnum):
    """Why."""

    ANCHORED = "anchored"
    LATE = "late"
    UNANCHORED = "unanchored"
    REWRITTEN = "rewritten"
    UNANSWERED = "unanswered"
    NOT_DUE = "not_due"

    @property
    def verdict(self) -> Verdict:
        """What follows from it."""
        if self is Reason.ANCHORED:
            return Verdict.PROVEN
        return Verdict.OPEN if self in (Reason.UNANSWERED, Reason.NOT_DUE) else Verdict.AT_FAULT


@dataclass(frozen=True)
class Judgement:
    """What one document shows against one ledger."""

    reason: Reason
    detail: str
    included: bool
    """Whether the entry stands in an anchored tree: so it may, and too late."""
    shown: Shown
    told: dict[str, Any]

    @property
    def verdict(self) -> Verdict:
        """What is decided."""
        return self.reason.verdict


@dataclass(frozen=True)
class Twice:
    """A number under which the platform has promised two leaves."""

    seq: int
    leaves: tuple[str, ...]


def judge(proof: BoardProof, ledger: BoardLedger, answers: Sequence[Inclusion] = ()) -> Judgement:
    """Return what ``proof`` shows against ``ledger``, with what the platform has answered to it.

    Raises:
        AuditError: ``other_market``; ``malformed_proof``, its parts do not hold or do not fit together;
            ``other_platform``, its receipt is not of who was the platform then; ``other_parties``, the notice is of
            nobody who had a part in the trade.
    """
    if proof.market != ledger.market:
        raise AuditError("other_market", f"it is of {proof.market}, not of {ledger.market}")
    shown = _shown(proof, ledger)
    _check_party(shown, ledger)
    leaves, astray = _anchored_leaves(proof, shown, ledger, answers)
    first = ledger.first.get(shown.seq)
    due_ms = shown.receipt.anchored_by_ms + ledger.guard_ms
    in_time = first is not None and first.at_ms < due_ms
    included = shown.leaf in leaves
    if included:
        reason = Reason.ANCHORED if in_time else Reason.LATE
    elif leaves:
        reason = Reason.REWRITTEN
    elif first is None:
        reason = Reason.UNANCHORED if ledger.now_ms >= due_ms else Reason.NOT_DUE
    else:
        reason = Reason.UNANSWERED if in_time else Reason.LATE
    detail = _DETAILS[reason].format(
        seq=shown.seq,
        by=times.to_text(shown.receipt.anchored_by_ms),
        due=times.to_text(due_ms),
        now=times.to_text(ledger.now_ms),
        last=ledger.last_size,
        at="" if first is None else times.to_text(first.at_ms),
        other=", ".join(as_digest(leaf) for leaf in sorted(leaves)),
    )
    return Judgement(reason, "; ".join([detail, *astray]), included, shown, _told(shown, first, ledger, proof))


def find_twice(judgements: Iterable[Judgement]) -> list[Twice]:
    """Return the numbers under which the receipts of ``judgements``, of one ledger, promise more than one leaf."""
    promised: dict[int, set[str]] = {}
    for one in judgements:
        promised.setdefault(one.shown.seq, set()).add(one.shown.receipt.leaf)
    return [Twice(seq, tuple(sorted(leaves))) for seq, leaves in sorted(promised.items()) if len(leaves) > 1]


_DETAILS = {
    Reason.ANCHORED: "entry {seq} stands in the tree that was anchored at {at}, in time",
    Reason.LATE: "the first tree that can have entry {seq} was anchored at {at}; it was promised by {by}, and with "
    "the guard it had to be by {due}",
    Reason.UNANCHORED: "no tree that can have entry {seq} was anchored: the last one has {last} entries, and the "
    "ledger goes on to {now}; it was promised by {by}, and with the guard it had to be by {due}",
    Reason.REWRITTEN: "the anchored board has another leaf as entry {seq} than the receipt promises: {other}",
    Reason.UNANSWERED: "a tree that can have entry {seq} was anchored in time, at {at}, and nothing shows whether it "
    "has it: the platform must show the path, and can if it has (--answer)",
    Reason.NOT_DUE: "no tree that can have entry {seq} was anchored, but the ledger at hand goes on to {now} only, "
    "and not to {due}: a longer one decides",
}


def _shown(proof: BoardProof, ledger: BoardLedger) -> Shown:
    try:
        signer = jws.verify(proof.receipt, receipts.TYP).signer
        shown = proof.check(platform=signer)
    except MarketError as error:
        raise AuditError("malformed_proof", f"{error.code}: {error.detail}") from error
    if signer not in ledger.platforms(shown.receipt.received_at_ms):
        raise AuditError("other_platform", f"{signer} was not the platform when the receipt was given")
    if shown.receipt.kind not in _ACTS:
        raise AuditError("malformed_proof", f"a receipt for an entry of an unknown kind, {shown.receipt.kind}")
    return shown


def _check_party(shown: Shown, ledger: BoardLedger) -> None:
    """Check that who signed the notice had his part in the trade, if the ledger knows the trade."""
    parties = ledger.parties.get(shown.receipt.subject)
    if shown.notice is None or parties is None:
        return
    notice = shown.notice
    if parties != {"seller": notice.seller, "buyer": notice.buyer}:
        raise AuditError("other_parties", "the ledger names another seller or buyer of the trade than the notice")


def _anchored_leaves(
    proof: BoardProof, shown: Shown, ledger: BoardLedger, answers: Sequence[Inclusion]
) -> tuple[set[bytes], list[str]]:
    """Return the leaves that are shown to stand under the number in an anchored tree, and what else is to be told."""
    leaves, astray = set(), []
    paths = [(proof.inclusion, proof.growth)] if proof.inclusion is not None else []
    for inclusion, growth in [*paths, *((answer, None) for answer in answers)]:
        if inclusion.seq != shown.seq:
            continue
        try:
            inclusion.check()
        except MarketError as error:
            raise AuditError("malformed_proof", f"an answer: {error.detail}") from error
        if _is_anchored(inclusion, growth, ledger):
            leaves.add(inclusion.leaf)
        elif inclusion.tree.size in ledger.anchored:
            astray.append(f"what was shown is another tree of {inclusion.tree.size} entries than the anchored one")
        else:
            astray.append(f"the tree of {inclusion.tree.size} entries that was shown is not anchored on this ledger")
    return leaves, astray


def _is_anchored(inclusion: Inclusion, growth: Growth | None, ledger: BoardLedger) -> bool:
    if ledger.find(inclusion.tree) is not None:
        return True
    # The larger of two trees has at each place what the smaller one has there.
    return growth is not None and inclusion.seq < growth.tree.size and ledger.find(growth.tree) is not None


def _told(shown: Shown, first: Anchor | None, ledger: BoardLedger, proof: BoardProof) -> dict[str, Any]:
    receipt, notice = shown.receipt, shown.notice
    told: dict[str, Any] = {"act": _ACTS[receipt.kind], "trade": receipt.subject}
    if notice is not None:
        told |= {
            "by": notice.author,
            "seller": notice.seller,
            "buyer": notice.buyer,
            "listing": notice.listing,
            "claimed_at": times.to_text(notice.claimed_at_ms),
        }
        told |= {} if notice.verdict is None else {"found": notice.verdict}
    told |= {
        "received_at": times.to_text(receipt.received_at_ms),
        "anchored_by": times.to_text(receipt.anchored_by_ms),
        "seq": shown.seq,
        "leaf": receipt.leaf,
        "anchor": None if first is None else _anchor(first),
    }
    naming = None if proof.entry is None else ledger.named.get(proof.entry.digest)
    told["named_by"] = (
        None
        if naming is None
        else {
            "function": naming.function,
            "signer": naming.signer,
            "tx": naming.tx,
            "block": naming.block,
            "time": times.to_text(naming.time_ms),
        }
    )
    return told


def _anchor(anchor: Anchor) -> dict[str, Any]:
    return {
        "size": anchor.tree.size,
        "root": as_digest(anchor.tree.root),
        "at": times.to_text(anchor.at_ms),
        "tx": anchor.tx,
        "block": anchor.block,
    }
