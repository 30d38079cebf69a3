"""What bytes that arrive mean for the upload of a package: pure decisions on the trade and the upload's row."""

from enum import Enum, auto
from typing import Any

from countermark.platform.relay.packages import WHOLE
from countermark.platform.store.sql import Row
from countermark.platform.trades import Committed, Delivery, TradeView, WrongStateError
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import TradeState

UPLOADABLE = {
    Delivery.FIRST: frozenset({TradeState.FUNDED, TradeState.UPLOADED}),
    Delivery.REMEDY: frozenset({TradeState.EVIDENCED}),
}
"""States in which a package is taken, until it was relayed."""


class Step(Enum):
    """What is to be done with the bytes."""

    BEGIN = auto()
    GO_ON = auto()
    NOTHING = auto()
    """The package is whole, and the one that is wanted."""


def judge(view: TradeView, row: Row[Any] | None, *, delivery: Delivery, start: int, total: int, most: int) -> Step:
    """Return what to do with bytes from ``start`` on of a package of ``total`` bytes, which may have ``most``.

    Raises:
        MarketError: WRONG_STATE, TOO_LARGE, PACKAGE_ROOT_MISMATCH, UPLOAD_OFFSET.
    """
    committed = view.committed(delivery)
    if row is not None and row.state in WHOLE and _is_wanted(committed, row, start=start, total=total):
        return Step.NOTHING
    if view.state not in UPLOADABLE[delivery] or committed.relayed_at_ms is not None:
        raise WrongStateError(view, view.seller, "no package is taken")
    if not 0 < total <= most:
        raise MarketError(ErrorCode.TOO_LARGE, f"a package has at most {most} bytes")
    if committed.size and committed.size != total:
        raise MarketError(ErrorCode.PACKAGE_ROOT_MISMATCH, f"the committed package has {committed.size} bytes")
    if not 0 <= start <= total:
        raise MarketError(ErrorCode.UPLOAD_OFFSET, "the range begins behind the package's end")
    if start == 0:
        return Step.BEGIN
    if row is not None and row.state == "UPLOADING" and row.size == total:
        return Step.GO_ON
    raise MarketError(ErrorCode.UPLOAD_OFFSET, "the upload begins at 0")


def seller_only(view: TradeView, account: str) -> None:
    """Pass the trade's seller alone.

    Raises:
        MarketError: WRONG_ACTOR for the buyer, UNKNOWN_TRADE for anybody else.
    """
    if view.role(account) != "seller":
        raise MarketError(ErrorCode.WRONG_ACTOR, "only the seller uploads the package")


def _is_wanted(committed: Committed, row: Row[Any], *, start: int, total: int) -> bool:
    """Return whether the whole package needs no more bytes: it is the committed one, or its end is sent again."""
    if committed.root:
        return bool(row.root == committed.root)
    return bool(total == row.size and start > 0)
