"""RFC 9457 problem documents: one table from the closed list of error codes to HTTP status and title."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countermark.platform.matching.allowance import FreeQuotaError
from countermark.platform.store.quotas import RateLimitedError
from countermark.platform.trades import WrongStateError
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import Actor, TradeState

CONTENT_TYPE = "application/problem+json"

RETRY_S = 5
"""When to ask again where nothing says when there will be room."""

_UNAUTHENTICATED = frozenset({ErrorCode.SIGNATURE_REQUIRED, ErrorCode.BAD_SIGNATURE})


@dataclass(frozen=True)
class ProblemType:
    """What a code means in HTTP; ``retryable``: the same request may succeed later."""

    status: int
    title: str
    retryable: bool = False


PROBLEMS: dict[ErrorCode, ProblemType] = {
    ErrorCode.MALFORMED_REQUEST: ProblemType(400, "The request is malformed"),
    ErrorCode.MALFORMED_ADDRESS: ProblemType(400, "An address is malformed"),
    ErrorCode.MALFORMED_INTENT: ProblemType(400, "The intent is malformed"),
    ErrorCode.MALFORMED_KEY: ProblemType(400, "A key is malformed"),
    ErrorCode.BAD_SIGNATURE: ProblemType(401, "The signature does not hold"),
    ErrorCode.WRONG_MARKET: ProblemType(400, "The message is for another market"),
    ErrorCode.WRONG_ACTION: ProblemType(400, "The intent asks for another action"),
    ErrorCode.INTENT_EXPIRED: ProblemType(400, "The intent has expired"),
    ErrorCode.INTENT_NOT_YET_VALID: ProblemType(400, "The intent lies in the future"),
    ErrorCode.INTENT_TOO_LONG: ProblemType(400, "The intent lives too long"),
    ErrorCode.INTENT_REPLAYED: ProblemType(409, "The nonce was used for something else"),
    ErrorCode.INTENT_CANCELLED: ProblemType(409, "The intent was cancelled"),
    ErrorCode.SIGNATURE_REQUIRED: ProblemType(401, "The request must be signed"),
    ErrorCode.SEALED_MALFORMED: ProblemType(400, "The sealed message is malformed"),
    ErrorCode.SEALED_UNDECRYPTABLE: ProblemType(400, "The sealed message does not open"),
    ErrorCode.UNKNOWN_KEY_VERSION: ProblemType(400, "The message was sealed to an unknown key version"),
    ErrorCode.NOTICE_MALFORMED: ProblemType(400, "The notice is malformed"),
    ErrorCode.RECEIPT_MALFORMED: ProblemType(400, "The receipt is malformed"),
    ErrorCode.TOO_LARGE: ProblemType(413, "The body is too large"),
    ErrorCode.RATE_LIMITED: ProblemType(429, "Too many requests", retryable=True),
    ErrorCode.BUSY: ProblemType(503, "The gateway serves as many as it can", retryable=True),
    ErrorCode.UNKNOWN_FUNCTION: ProblemType(400, "No such contract function"),
    ErrorCode.NOT_PERMITTED: ProblemType(403, "Not permitted"),
    ErrorCode.WRONG_ACTOR: ProblemType(403, "Somebody else may do this"),
    ErrorCode.WRONG_STATE: ProblemType(409, "Not possible in this state"),
    ErrorCode.DEADLINE_PASSED: ProblemType(409, "The deadline has passed"),
    ErrorCode.NOT_DUE: ProblemType(409, "The deadline has not passed"),
    ErrorCode.NOT_FOUND: ProblemType(404, "No such resource"),
    ErrorCode.MARKET_EXISTS: ProblemType(409, "The market is initialised already"),
    ErrorCode.MARKET_MISSING: ProblemType(503, "The market is not initialised", retryable=True),
    ErrorCode.MARKET_INVALID: ProblemType(400, "The market configuration is invalid"),
    ErrorCode.UNKNOWN_ACCOUNT: ProblemType(404, "No such account"),
    ErrorCode.ACCOUNT_EXISTS: ProblemType(409, "The account is open already"),
    ErrorCode.ACCOUNT_FROZEN: ProblemType(409, "The account is frozen"),
    ErrorCode.UNKNOWN_COIN: ProblemType(409, "No such coin"),
    ErrorCode.COIN_SPENT: ProblemType(409, "The coin is spent"),
    ErrorCode.COIN_NOT_YOURS: ProblemType(403, "The coin belongs to somebody else"),
    ErrorCode.COIN_SUPERFLUOUS: ProblemType(400, "A coin could be left out"),
    ErrorCode.INSUFFICIENT_FUNDS: ProblemType(409, "Not enough money"),
    ErrorCode.MALFORMED_AMOUNT: ProblemType(400, "An amount is malformed"),
    ErrorCode.WRONG_AMOUNT: ProblemType(409, "The amount is not the one due"),
    ErrorCode.DEPOSIT_USED: ProblemType(409, "The deposit was used already"),
    ErrorCode.ISSUER_CAP: ProblemType(409, "The amount is above the issuer's cap for one mint"),
    ErrorCode.PAYMENT_INVALID: ProblemType(402, "The payment does not count"),
    ErrorCode.UNKNOWN_LISTING: ProblemType(404, "No such listing"),
    ErrorCode.LISTING_EXISTS: ProblemType(409, "The listing exists already"),
    ErrorCode.STALE_OFFER: ProblemType(409, "The offer has a newer version"),
    ErrorCode.WRONG_PRICE: ProblemType(409, "The price is not the one offered"),
    ErrorCode.WRONG_DEADLINES: ProblemType(409, "The deadlines are not acceptable"),
    ErrorCode.NOT_FOR_SALE: ProblemType(409, "The listing is not for sale"),
    ErrorCode.OWN_LISTING: ProblemType(409, "The listing is the buyer's own"),
    ErrorCode.ALREADY_RESERVED: ProblemType(409, "Another buyer was first"),
    ErrorCode.ALREADY_LISTED: ProblemType(409, "The data is on the market already"),
    ErrorCode.LISTING_CLAIMED: ProblemType(409, "The contract is claimed by somebody else"),
    ErrorCode.ALREADY_REGISTERED: ProblemType(409, "The same bytes are registered already"),
    ErrorCode.SIMILAR_REGISTERED: ProblemType(409, "Similar data is registered already"),
    ErrorCode.UNDER_REVIEW: ProblemType(409, "The data resembles registered data and is under review"),
    ErrorCode.RELIST_EXISTING: ProblemType(409, "The data has a contract, on which it can be listed again"),
    ErrorCode.LEGAL_HOLD: ProblemType(409, "The listing is under a legal hold"),
    ErrorCode.COMMITMENT_MISMATCH: ProblemType(400, "A commitment is not the one given"),
    ErrorCode.UNKNOWN_GENERATOR: ProblemType(400, "The generator is not accepted"),
    ErrorCode.TOO_MANY_ITEMS: ProblemType(413, "The listing has too many items"),
    ErrorCode.DESCRIPTION_MALFORMED: ProblemType(400, "The description is malformed"),
    ErrorCode.PARTS_MISSING: ProblemType(409, "Fingerprints that the application names are not here"),
    ErrorCode.FINGERPRINT_MALFORMED: ProblemType(400, "A fingerprint is malformed"),
    ErrorCode.INCOMPATIBLE_FINGERPRINTS: ProblemType(400, "The fingerprints cannot be compared"),
    ErrorCode.NOT_AN_IMAGE: ProblemType(400, "The file is not an image"),
    ErrorCode.IMAGE_TOO_LARGE: ProblemType(413, "The image is too large"),
    ErrorCode.NOT_TEXT: ProblemType(400, "The file is not text"),
    ErrorCode.NOT_A_TABLE: ProblemType(400, "The file is not a table"),
    ErrorCode.NOT_AN_ARCHIVE: ProblemType(400, "The file is not an archive that can be read"),
    ErrorCode.ARCHIVE_UNSAFE: ProblemType(400, "The archive or folder holds entries that are not taken"),
    ErrorCode.DATA_TOO_LARGE: ProblemType(413, "The data is too large"),
    ErrorCode.EMPTY_COLLECTION: ProblemType(400, "The collection holds no files"),
    ErrorCode.EMPTY_FILE: ProblemType(400, "The file is empty"),
    ErrorCode.UNSUPPORTED_FORMAT: ProblemType(400, "The file is of a format that is not read"),
    ErrorCode.DECODER_MISSING: ProblemType(400, "The file's format is read with an optional decoder only"),
    ErrorCode.UNKNOWN_TRADE: ProblemType(404, "No such trade"),
    ErrorCode.UNKNOWN_CLAIM: ProblemType(404, "No such claim"),
    ErrorCode.PACKAGE_MALFORMED: ProblemType(400, "The package is malformed"),
    ErrorCode.PACKAGE_ROOT_MISMATCH: ProblemType(409, "The package is not the one committed to"),
    ErrorCode.PACKAGE_TAMPERED: ProblemType(400, "The package was tampered with"),
    ErrorCode.PACKAGE_WRONG_TRADE: ProblemType(400, "The package is for another trade"),
    ErrorCode.PACKAGE_UNDECRYPTABLE: ProblemType(400, "The package does not open"),
    ErrorCode.PACKAGE_INCOMPLETE: ProblemType(409, "The package is not complete"),
    ErrorCode.PACKAGE_NOT_RELEASED: ProblemType(409, "The package is not released yet"),
    ErrorCode.UPLOAD_OFFSET: ProblemType(409, "The upload goes on at another offset"),
    ErrorCode.NOTICE_MISMATCH: ProblemType(409, "The notice is not the one committed to"),
    ErrorCode.PROOF_INVALID: ProblemType(400, "The proof does not hold"),
    ErrorCode.ANCHOR_STALE: ProblemType(409, "A newer anchor exists"),
    ErrorCode.CONFLICT: ProblemType(409, "Another transaction was faster", retryable=True),
    ErrorCode.ENDORSEMENT_FAILED: ProblemType(502, "The organisations do not endorse this"),
    ErrorCode.OUTCOME_UNKNOWN: ProblemType(504, "The outcome is not known yet", retryable=True),
    ErrorCode.LEDGER_UNAVAILABLE: ProblemType(503, "The ledger is away", retryable=True),
    ErrorCode.CLOCK_SKEWED: ProblemType(503, "The gateway's clock is not the ledger's", retryable=True),
    ErrorCode.DATABASE_UNAVAILABLE: ProblemType(503, "The database is away", retryable=True),
    ErrorCode.STORE_UNAVAILABLE: ProblemType(503, "The object store is away", retryable=True),
    ErrorCode.PLATFORM_UNAVAILABLE: ProblemType(503, "The platform's gateway is away", retryable=True),
    ErrorCode.INTERNAL: ProblemType(500, "A mistake of this system"),
}


class ProblemError(MarketError):
    """A refusal with what only the gateway knows of it: the transaction, and members of the problem's own type."""

    def __init__(self, error: MarketError, *, status: int | None = None, txid: str = "", **extra: Any) -> None:
        """Take ``status`` where HTTP has a more exact one than the code's."""
        super().__init__(error.code, error.detail)
        self.status = status
        self.txid = txid
        self.extra = extra


def standing(state: TradeState, acts: Mapping[str, frozenset[Actor]], role: str) -> dict[str, Any]:
    """Return the members that tell who has ``role`` in a trade where it stands, and which of the ``acts`` are his."""
    allowed = sorted(function for function, actors in acts.items() if Actor(role) in actors)
    return {"trade_state": str(state), "allowed": allowed}


def document(error: MarketError, *, status: int | None = None, title: str = "") -> dict[str, Any]:
    """Return the problem document of ``error``; ``status`` and ``title`` where HTTP itself knows better."""
    problem = PROBLEMS[error.code]
    txid, extra = "", {}
    if isinstance(error, ProblemError):
        status, txid, extra = status or error.status, error.txid, error.extra
    elif isinstance(error, WrongStateError):
        extra = standing(error.state, error.acts, error.role)
    elif isinstance(error, FreeQuotaError):
        extra = {"price": str(error.price)}
    return {
        "type": f"/problems/{error.code}",
        "title": title or problem.title,
        "status": status or problem.status,
        "code": str(error.code),
        "detail": error.detail or title or problem.title,
        "retryable": problem.retryable,
        **({"txid": txid} if txid else {}),
        **extra,
    }


def headers(error: MarketError) -> dict[str, str]:
    """Return the header fields that go with the problem document of ``error``."""
    if error.code in _UNAUTHENTICATED:
        return {"WWW-Authenticate": "Signature"}
    if isinstance(error, RateLimitedError):
        wait_s = -(-error.wait_ms // 1000)
        # draft-ietf-httpapi-ratelimit-headers-11: the policy that was violated, and what is left of it.
        return {
            "Retry-After": str(wait_s),
            "RateLimit-Policy": f'"{error.kind}";q={error.most};w={error.window_ms // 1000}',
            "RateLimit": f'"{error.kind}";r=0;t={wait_s}',
        }
    if error.code in (ErrorCode.BUSY, ErrorCode.RATE_LIMITED):
        return {"Retry-After": str(RETRY_S)}
    return {}
