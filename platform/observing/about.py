"""Say, once and at the edge, which transaction and trade all lines are about that are logged within.

Both ids stand on the ledger and reveal nothing by themselves. What a client has merely written, such as a path, is
named only where it has the form of an id: anything else might be a secret in the wrong place.
"""

import re
from contextlib import AbstractContextManager

from structlog.contextvars import bind_contextvars, bound_contextvars

from countermark.protocol import ids

TXID, TRADE = "txid", "trade"
"""Members of a line."""

_TXID = re.compile(r"[0-9a-f]{64}")


def about(*, txid: str = "", trade: str = "") -> AbstractContextManager[None]:
    """Name a transaction and a trade on every line of this thread within the block."""
    return bound_contextvars(**_names(txid, trade))


def now_about(*, txid: str = "", trade: str = "") -> None:
    """Name them on every line of this thread from here on, until whoever has begun its present work clears them."""
    bind_contextvars(**_names(txid, trade))


def _names(txid: str, trade: str) -> dict[str, str]:
    names = {}
    if _TXID.fullmatch(txid):
        names[TXID] = txid
    if ids.is_trade(trade):
        names[TRADE] = trade
    return names
