"""Anchors of the send-receive board: its size and root, each proven to extend the one before (D-5)."""

from typing import Any

from countermark.chaincode import state
from countermark.chaincode.context import Answer, Reader, Transaction
from countermark.protocol import merkle, times
from countermark.protocol.encoding import as_digest, undigest
from countermark.protocol.errors import ErrorCode, MarketError

_EMPTY: dict[str, Any] = {"at": "", "root": as_digest(merkle.EMPTY_ROOT), "size": 0, "tx": ""}


async def anchor(tx: Transaction) -> Answer:
    """Record that the board has ``size`` entries under ``root``, an extension of what was anchored last.

    Raises:
        MarketError: NOT_PERMITTED, WRONG_ACTOR; ANCHOR_STALE when the size does not grow; PROOF_INVALID.
    """
    tx.require_party(tx.rules.platform)
    last = await tx.find(state.ANCHOR) or _EMPTY
    size, root = tx.params["size"], tx.params["root"]
    if size <= last["size"]:
        raise MarketError(ErrorCode.ANCHOR_STALE, f"the board is anchored at size {last['size']}")
    merkle.verify_consistency(
        last["size"],
        undigest(last["root"]),
        size,
        undigest(root),
        [undigest(node) for node in tx.params["proof"]],
    )
    record = {"at": times.to_text(tx.now_ms), "root": root, "size": size, "tx": tx.tx_id}
    tx.put(state.ANCHOR, record)
    tx.put(state.anchor(size), record)
    return Answer("board", "ANCHORED", more={"root": root, "size": size})


async def show(reader: Reader) -> object:
    """Return the last anchor: size, root, transaction and time; size 0 before the first."""
    return await reader.find(state.ANCHOR) or _EMPTY
