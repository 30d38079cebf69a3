"""What a ledger may answer when it does not do what was asked.

Three outcomes that the caller must keep apart: the rules said no (`RefusedError`: nothing was ordered), nobody
answered (`UnavailableError`: try again later), nobody knows (`OutcomeUnknownError`: ask for the same transaction id).
Which failure of a call is which of them stands in `protocol.retries`.
"""

from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.retries import Retry


class LedgerError(Exception):
    """A call to the ledger failed; `tx_id` is the transaction's, or empty for a call that has none."""

    def __init__(self, tx_id: str, detail: str) -> None:
        super().__init__(f"{detail} [{tx_id}]" if tx_id else detail)
        self.tx_id = tx_id
        self.detail = detail


class RefusedError(LedgerError):
    """The chaincode refused, or no orderer takes it; `error` says why. Nothing was ordered and nothing will be."""

    def __init__(self, tx_id: str, error: MarketError) -> None:
        super().__init__(tx_id, f"refused: {error.code}")
        self.error = error


class UnavailableError(LedgerError):
    """No peer answered before the transaction was handed to an orderer: it is safe to make a new one.

    `code` is CLOCK_SKEWED where peers did answer, and took no proposal for its date.
    """

    def __init__(self, tx_id: str, detail: str, *, code: ErrorCode = ErrorCode.LEDGER_UNAVAILABLE) -> None:
        super().__init__(tx_id, detail)
        self.code = code


class OutcomeUnknownError(LedgerError):
    """The transaction may have been ordered, and nobody has yet said how it ended.

    With `retry` SAME it is in no block so far: the same envelope may be handed over again.
    """

    def __init__(self, tx_id: str, detail: str, *, retry: Retry = Retry.ASK) -> None:
        super().__init__(tx_id, detail)
        self.retry = retry
