"""What shows later that a notice came in: with the receipt the proof, once there is one, that its entry was anchored.

The first proof that holds is kept in the vault, and no gateway is asked again: it is good for ever. A gateway that
shows different boards is found out by the trees that it names: each that is new must go on the one known before.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from countermark.client.errors import GATEWAY_ANSWER, REFUSED_HERE, ClientError
from countermark.client.market import Market
from countermark.client.vault import Vault
from countermark.protocol import canonical, jws, receipts
from countermark.protocol.board_proofs import BoardProof, Growth, Inclusion, Shown, Tree
from countermark.protocol.encoding import as_digest, undigest
from countermark.protocol.entries import Entry
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.notices import LONGEST_SKEW_MS, SignedNotice, parse_notice
from countermark.protocol.receipts import SignedReceipt

PARTS: Final = {"trade.send": "seller", "trade.ack": "buyer", "trade.remedy": "remedy"}
"""What the name of a receipt ends with, by the action with which its notice came; before it stands the trade's id."""

LONGEST_PROMISE_MS = 86_400_000
"""How long after reception an anchor may be promised: a broken promise shows only when its time has passed."""

_PROOFS = "proofs"
_RECEIPTS = "receipts"
_NOTICES = "notices"
_BOARD, _TREE = "board", "tree"


class State(StrEnum):
    """How far a promise to anchor an entry has come."""

    ANCHORED = "anchored"
    WAITING = "waiting"
    OVERDUE = "overdue"
    """No proof, and the promised time has passed."""
    REWRITTEN = "rewritten"
    """The board shows another entry under the receipt's number."""


@dataclass(frozen=True)
class Held:
    """A proof, as far as there is one, and what it shows."""

    proof: BoardProof = field(repr=False)
    shown: Shown

    def state(self, now_ms: int) -> State:
        """Return how far the platform's promise has come at ``now_ms``."""
        if self.proof.inclusion is not None:
            return State.ANCHORED if self.proof.inclusion.leaf == self.shown.leaf else State.REWRITTEN
        return State.OVERDUE if now_ms > self.shown.receipt.anchored_by_ms else State.WAITING


def name_of(trade: str, action: str) -> str:
    """Return the name under which everything is kept of the notice that came with ``action`` on ``trade``."""
    return f"{trade}-{PARTS[action]}"


def keep_notice(vault: Vault, name: str, token: str) -> None:
    """Store the party's own signed notice, before it leaves: sealed to the platform it could not read it again."""
    vault.put(_NOTICES, name, {"notice": token})


def keep_receipt(vault: Vault, name: str, receipt: SignedReceipt, *, market: str, platform: str, now_ms: int) -> None:
    """Store the receipt for a notice, with the notice.

    Raises:
        MarketError: RECEIPT_MALFORMED; it is a receipt for something else, of another time, or promises nothing.
    """
    record = {"receipt": receipt.token}
    kept = vault.get(_NOTICES, name)
    if kept is not None:
        _check_fits(receipt, parse_notice(kept["notice"], market=market, platform=platform), now_ms)
        record |= kept
    vault.put(_RECEIPTS, name, record)
    vault.delete(_NOTICES, name)


def waiting(vault: Vault, trade: str = "") -> list[str]:
    """Return the names of the receipts, of one ``trade`` if it is named, whose entries are to be proven yet."""
    proven = set(vault.names(_PROOFS))
    names = (name for name in vault.names(_RECEIPTS) if name.startswith(trade) and name not in proven)
    return [name for name in names if "notice" in _record(vault, name)]


def find(vault: Vault, trade: str, *, remedy: bool = False) -> str:
    """Return the name of this account's receipt for a notice on ``trade``: its first one, or that of a remedy.

    Raises:
        ClientError: there is none in this home.
    """
    actions = ("trade.remedy",) if remedy else ("trade.send", "trade.ack")
    for name in (name_of(trade, action) for action in actions):
        if vault.get(_RECEIPTS, name) is not None:
            return name
    raise ClientError(REFUSED_HERE, "no receipt for a notice of yours on this trade is in this home")


def recall(vault: Vault, name: str) -> Held:
    """Return what is kept of a receipt, without asking anybody.

    Raises:
        ClientError: its notice was sent by an earlier version of this client, which did not keep it; or the receipt
            names no number, and only the gateway can tell it.
    """
    stored = vault.get(_PROOFS, name)
    if stored is not None:
        return _held(BoardProof.from_bytes(canonical.dumps(stored)))
    return _held(_bare(vault, name, None))


def obtain(market: Market, vault: Vault, name: str) -> Held:
    """Return what is kept of a receipt, with the proof of its entry if the gateway has one; what holds is stored.

    Raises:
        ClientError: as `recall`; the gateway cannot be reached, or what it shows is no proof, or of another board
            than it has shown before.
    """
    if vault.get(_PROOFS, name) is not None:
        return recall(vault, name)
    proof = _bare(vault, name, market)
    held = _held(proof)
    try:
        answer = market.http.get(f"/v1/board/{held.shown.seq}/proof", {"tree": "first"})
    except ClientError as error:
        if error.code == ErrorCode.NOT_FOUND:
            return held
        raise
    try:
        inclusion = Inclusion.from_json(answer)
        held = _held(replace(proof, inclusion=inclusion))
        if inclusion.leaf == held.shown.leaf:
            held = _held(replace(held.proof, growth=_follow(market, vault, inclusion.tree)))
    except MarketError as error:
        detail = f"the gateway's proof of the entry does not hold: {error.detail}"
        raise ClientError(GATEWAY_ANSWER, detail) from error
    if held.state(market.now()) is State.ANCHORED and not market.dry_run:
        vault.put(_PROOFS, name, canonical.loads(held.proof.to_bytes()))
    return held


def _follow(market: Market, vault: Vault, tree: Tree) -> Growth | None:
    """Check that ``tree`` and the one known so far are of one board, and return the proof of it; keep the larger one.

    Raises:
        ClientError: they are not.
        MarketError: the answer is no proof.
    """
    record = vault.get(_BOARD, _TREE)
    known = None if record is None else Tree(record["size"], undigest(record["root"]))
    growth = None
    if known is not None and known != tree:
        growth = _grown(market, known, tree)
    if (known is None or tree.size > known.size) and not market.dry_run:
        vault.put(_BOARD, _TREE, {"size": tree.size, "root": as_digest(tree.root)})
    return growth


def _grown(market: Market, known: Tree, tree: Tree) -> Growth:
    small, large = sorted((known.size, tree.size))
    try:
        if small == large:
            raise MarketError(ErrorCode.PROOF_INVALID, "two roots of one size")
        answer = market.http.get("/v1/board/consistency", {"first": small, "second": large})
        growth = Growth.from_json({"path": answer.get("path"), "root": as_digest(known.root), "size": known.size})
        growth.check(tree)
    except (MarketError, ClientError) as error:
        if isinstance(error, ClientError) and error.code != ErrorCode.NOT_FOUND:
            raise
        detail = f"the gateway shows two boards: that of {large} entries does not go on that of {small}"
        raise ClientError(GATEWAY_ANSWER, detail) from error
    return growth


def _bare(vault: Vault, name: str, market: Market | None) -> BoardProof:
    """Return the proof of a receipt as far as this home has it; ``market`` tells the number that a receipt lacks."""
    record = _record(vault, name)
    signed = jws.verify(record["receipt"], receipts.TYP)
    # Whose it is was checked when it came.
    named, platform = str(signed.payload["market"]), signed.signer
    receipt = receipts.parse_receipt(record["receipt"], market=named, platform=platform)
    if "notice" not in record:
        raise ClientError(REFUSED_HERE, "an earlier version of this client sent the notice, and did not keep it")
    notice = parse_notice(record["notice"], market=named, platform=platform)
    seq = receipt.receipt.seq
    if seq is None:
        if market is None:
            raise ClientError(REFUSED_HERE, "the receipt names no number, as earlier ones did: the gateway knows it")
        seq = _number(market, receipt)
    return BoardProof(named, receipt.token, Entry.of(notice, seq=seq, received_at_ms=receipt.receipt.received_at_ms))


def _record(vault: Vault, name: str) -> dict[str, Any]:
    record = vault.get(_RECEIPTS, name)
    if record is None:
        raise ClientError(REFUSED_HERE, "there is no such receipt in this home")
    return record


def _number(market: Market, receipt: SignedReceipt) -> int:
    for item in market.pages("/v1/board"):
        if item.get("receipt") == receipt.token and isinstance(item.get("seq"), int):
            return int(item["seq"])
    raise ClientError(GATEWAY_ANSWER, "the gateway does not show the entry of the receipt that it gave")


def _held(proof: BoardProof) -> Held:
    return Held(proof, proof.check(platform=jws.verify(proof.receipt, receipts.TYP).signer))


def _check_fits(receipt: SignedReceipt, notice: SignedNotice, now_ms: int) -> None:
    """Check that a receipt promises to anchor ``notice``, and soon, and that its times can be true.

    Raises:
        MarketError: RECEIPT_MALFORMED.
    """
    promised = receipt.receipt
    earliest_ms, latest_ms = notice.notice.claimed_at_ms - LONGEST_SKEW_MS, now_ms + LONGEST_SKEW_MS
    if not earliest_ms <= promised.received_at_ms <= latest_ms:
        raise MarketError(ErrorCode.RECEIPT_MALFORMED, "the receipt is dated otherwise than the notice came in")
    if promised.anchored_by_ms > promised.received_at_ms + LONGEST_PROMISE_MS:
        raise MarketError(ErrorCode.RECEIPT_MALFORMED, "the receipt promises an anchor too late to be worth anything")
    if promised.seq is None:
        return  # of a platform of an earlier version: the entry's number is yet to be asked for
    entry = Entry.of(notice, seq=promised.seq, received_at_ms=promised.received_at_ms)
    if entry.receipt(anchored_by_ms=promised.anchored_by_ms) != promised:
        raise MarketError(ErrorCode.RECEIPT_MALFORMED, "the receipt is for another notice")
