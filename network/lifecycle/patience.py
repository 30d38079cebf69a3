"""Waiting for a network: until peers have found one another, an orderer leads, a definition has come round.

Gossip tells peers of one another, and nobody tells a client that it has: he asks again.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from countermark.network.client import LedgerError, Retry
from countermark.network.lifecycle.errors import LifecycleError

T = TypeVar("T")

WAIT_S = 60.0
_PAUSE_S = 0.05


def patiently(call: Callable[[], T], *, wait_s: float = WAIT_S, anew: bool = False) -> T:
    """Return what `call` returns; again while the network says that nothing has happened and that it may yet succeed.

    With `anew`, also when a transaction has failed for good because the ledger had changed, or because peers had come
    to different heights of it: `call` must begin by looking at the ledger again.

    Raises:
        LedgerError, LifecycleError: What `call` raised last, when it is of no use or `wait_s` seconds are over.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return call()
        except (LedgerError, LifecycleError) as error:
            if not _may_succeed(error, anew=anew) or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)  # nobody tells a client when it will pass


def while_it_moves(call: Callable[[], T], progress: Callable[[], int]) -> T:
    """Return what `call` returns, asked `patiently`; again for as long as `progress` has grown meanwhile.

    Raises:
        LedgerError, LifecycleError: What `call` raised last, or `progress`.
    """
    before = -1
    while True:
        try:
            return patiently(call)
        except (LedgerError, LifecycleError) as error:
            if not _may_succeed(error, anew=False) or (now := progress()) <= before:
                raise
            before = now


def _may_succeed(error: LedgerError | LifecycleError, *, anew: bool) -> bool:
    if isinstance(error, LedgerError):
        return error.retry in (Retry.SAME, Retry.OTHER) or (anew and error.retry is Retry.ANEW)
    return error.code in ("unreachable", "not_yet")
