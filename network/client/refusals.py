"""Whether a contract's refusal is to be believed: a peer that has fallen behind refuses what the ledger allows.

A peer that was stopped, or has just been started, answers from the state that it has, and so says "unknown" of a
trade whose payment the user was told of. What has been seen of the ledger must be known to whoever refuses.
"""

import time
from collections.abc import Callable
from typing import Any

from countermark.network.blocks import Block
from countermark.network.client.errors import EndorseError, LedgerError, UnavailableError
from countermark.network.client.gateways import Attempt
from countermark.network.client.statuses import refusal
from countermark.protocol.errors import ErrorCode
from countermark.protocol.retries import Phase, Retry, after_status

Call = Callable[[Attempt, float], Any]


class Doubt:
    """Makes calls to contracts, and has refusals from peers that know too little go for no answer at all."""

    def __init__(self, seen: Callable[[], int], newest: Callable[[Attempt, float], Block]) -> None:
        """`seen` tells how many blocks have been seen by now, `newest` asks a gateway's peer for its last one."""
        self._seen = seen
        self._newest = newest

    def over(self, call: Call) -> Call:
        """Return `call`, with the answers that can be relied upon."""
        return lambda attempt, seconds: self._ask(call, attempt, time.monotonic() + seconds)

    def _ask(self, call: Call, attempt: Attempt, deadline: float) -> Any:
        known = attempt.height
        try:
            return call(attempt, deadline - time.monotonic())
        except LedgerError as error:
            if error.market_error is None:
                raise
            _check_own_refused(error, attempt.msp_id)
            seen = self._seen()
            if known >= seen:
                raise
            self._check_height(attempt, seen, error.tx_id, deadline)
        # It may have caught up only just now.
        try:
            return call(attempt, max(deadline - time.monotonic(), 0.0))
        except LedgerError as error:
            _check_own_refused(error, attempt.msp_id)
            raise

    def _check_height(self, attempt: Attempt, seen: int, tx_id: str, deadline: float) -> None:
        """Return if the peer has as many blocks as `seen`.

        Raises:
            UnavailableError: It has not, or does not say.
        """
        try:
            height = self._newest(attempt, max(deadline - time.monotonic(), 0.0)).number + 1
        except LedgerError as error:
            raise _useless(f"the peer that refuses does not tell its height: {error.detail}", tx_id) from error
        attempt.reached(height)
        if height < seen:
            raise _useless(f"the peer that refuses has {height} of {seen} blocks", tx_id)


def _check_own_refused(error: LedgerError, msp_id: str) -> None:
    """Return unless an endorsement failed although a peer of the gateway's own organisation, `msp_id`, gave one.

    That organisation's peers run a proposal first, or beside the others, and all that it has are asked before it
    counts as refused.

    Raises:
        UnavailableError: Its peers had no chance to say anything.
        EndorseError: Organisations disagree, so one of them has fallen behind: it may pass later.
    """
    if error.market_error is None or not isinstance(error, EndorseError) or not error.details:
        return
    own = [one.message for one in error.details if one.msp_id == msp_id]
    if own and all(refusal(message) is not None for message in own):
        return
    retry, code = after_status(Phase.ENDORSE, error.status, "\n".join(one.message for one in error.details))
    detail = f"organisations disagree: {error.detail}"
    if retry is Retry.OTHER:
        raise _useless(detail, error.tx_id) from error
    raise EndorseError(
        code, detail, tx_id=error.tx_id, retry=retry, status=error.status, details=error.details
    ) from error


def _useless(detail: str, tx_id: str) -> UnavailableError:
    return UnavailableError(ErrorCode.LEDGER_UNAVAILABLE, detail, tx_id=tx_id, retry=Retry.OTHER)
