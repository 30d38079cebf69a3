"""The one error of the client: what went wrong, in the market's codes where the market said it.

Of a request that changes something a client must not say "failed" while it may still commit. So every error says
whether it leaves that open (`ClientError.undecided`): only a refusal by a rule, or an answer that says that the
request was not taken, does not.
"""

from dataclasses import dataclass

from countermark.protocol.errors import ErrorCode

REFUSED_HERE = "refused_here"
"""Code of an error that this machine found before anything was sent."""
GATEWAY_UNREACHABLE = "gateway_unreachable"
"""No connection came about: nothing was sent."""
GATEWAY_SILENT = "gateway_silent"
"""The connection broke off after the request may have arrived."""
GATEWAY_ANSWER = "gateway_answer"
"""The gateway answered with something that is not its interface."""

NOT_TAKEN = frozenset({ErrorCode.BUSY, ErrorCode.RATE_LIMITED, ErrorCode.MARKET_MISSING})
"""Answers that say that this request was not looked at; an earlier attempt at it may have been."""

LEFT_OPEN = frozenset(
    {
        ErrorCode.INTERNAL,
        ErrorCode.LEDGER_UNAVAILABLE,
        ErrorCode.CLOCK_SKEWED,
        ErrorCode.DATABASE_UNAVAILABLE,
        ErrorCode.STORE_UNAVAILABLE,
        ErrorCode.PLATFORM_UNAVAILABLE,
        ErrorCode.OUTCOME_UNKNOWN,
    }
)
"""Failures of the gateway in the middle of a request, which it may have saved and may yet bring to the ledger."""

REFUSALS = frozenset(ErrorCode) - NOT_TAKEN - LEFT_OPEN
"""Answers that end a request."""


@dataclass
class ClientError(Exception):
    """An operation did not succeed.

    ``code`` is one of the protocol's error codes, or one of this client's own: ``refused_here``,
    ``gateway_unreachable``, ``gateway_silent``, ``gateway_answer``. ``txid`` names the transaction if there is one,
    ``entity`` what it makes or changes; ``retryable`` says whether the same request may succeed later; ``extra``
    holds further members of the problem document; ``undecided`` says that the request may commit all the same;
    ``here`` that this machine found it, whatever the code, and no market refused anything.
    """

    code: str
    detail: str = ""
    txid: str = ""
    retryable: bool = False
    status: int = 0
    extra: dict[str, object] | None = None
    entity: str = ""
    undecided: bool = False
    here: bool = False

    @property
    def final(self) -> bool:
        """Whether a rule has ended the request; that an intent comes too late says nothing of an earlier try."""
        return self.code in REFUSALS and (self.code != ErrorCode.INTENT_EXPIRED or bool(self.txid))

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


def unknown(error: ClientError, *, entity: str) -> ClientError:
    """Return the error that says of ``entity`` what ``error`` leaves open."""
    detail = error.detail if error.code == ErrorCode.OUTCOME_UNKNOWN else str(error)
    return ClientError(ErrorCode.OUTCOME_UNKNOWN, detail, error.txid, retryable=True, entity=entity, undecided=True)
