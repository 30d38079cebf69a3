"""Failures of calls to the ledger: one class per phase, each with transaction id, stable code and what may follow."""

from countermark.network.blocks.codes import code_name
from countermark.network.envelopes import ErrorDetail
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.retries import Retry, after_verdict


class LedgerError(Exception):
    """A call to the ledger did not do what it should."""

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        tx_id: str = "",
        retry: Retry = Retry.NEVER,
        status: str = "",
        details: tuple[ErrorDetail, ...] = (),
        market_error: MarketError | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}" + (f" (transaction {tx_id})" if tx_id else ""))
        self.code = code
        self.detail = detail
        self.tx_id = tx_id
        self.retry = retry
        self.status = status
        """Name of the gRPC status; empty if the failure is not of a call."""
        self.details = details
        """What each endpoint said."""
        self.market_error = market_error
        """The chaincode's refusal, if that is what it was."""


class ProfileError(LedgerError):
    """The connection profile, or a file that it names, cannot be used."""


class UnavailableError(LedgerError):
    """No gateway answered, or what stands behind them did not; nothing has been ordered."""


class EvaluateError(LedgerError):
    """A query was refused; `market_error` if by the contract."""


class EndorseError(LedgerError):
    """A proposal was refused, or the answer is not a transaction for it; nothing has been ordered."""


class SubmitError(LedgerError):
    """The ordering service did not confirm that it took the transaction.

    With code OUTCOME_UNKNOWN it may have; with any other it has not, by this call.
    """


class CommitStatusError(LedgerError):
    """The status of a transaction could not be had; it may commit yet."""


class CommitError(LedgerError):
    """A transaction was ordered and found invalid: it has changed nothing and never will."""

    def __init__(self, tx_id: str, validation_code: int, block_number: int) -> None:
        name = code_name(validation_code)
        retry, code = after_verdict(name)
        super().__init__(code, f"{name} in block {block_number}", tx_id=tx_id, retry=retry)
        self.validation_code = validation_code
        self.block_number = block_number


class DeliverError(LedgerError):
    """The stream of blocks or events broke off, or what came over it is not what was asked for."""
