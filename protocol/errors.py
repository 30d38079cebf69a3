"""The closed list of error codes and the one exception that carries them.

A code is part of the protocol: chaincode answers with it, the gateway maps it to a problem document, the command
line prints it. ``detail`` is for people and never holds a secret, a fingerprint or data, because the arguments and
answers of a transaction are public to the channel.
"""

import json
from enum import StrEnum
from typing import Self


class ErrorCode(StrEnum):
    """Every way in which a request can be refused; the value is the stable name on the wire."""

    # Form of a request, an intent or a message
    MALFORMED_REQUEST = "malformed_request"
    MALFORMED_ADDRESS = "malformed_address"
    MALFORMED_INTENT = "malformed_intent"
    MALFORMED_KEY = "malformed_key"  # bytes or text that are no key of the expected kind
    BAD_SIGNATURE = "bad_signature"
    WRONG_MARKET = "wrong_market"
    WRONG_ACTION = "wrong_action"
    INTENT_EXPIRED = "intent_expired"
    INTENT_NOT_YET_VALID = "intent_not_yet_valid"
    INTENT_TOO_LONG = "intent_too_long"
    INTENT_REPLAYED = "intent_replayed"
    INTENT_CANCELLED = "intent_cancelled"
    SIGNATURE_REQUIRED = "signature_required"
    SEALED_MALFORMED = "sealed_malformed"
    SEALED_UNDECRYPTABLE = "sealed_undecryptable"
    UNKNOWN_KEY_VERSION = "unknown_key_version"
    NOTICE_MALFORMED = "notice_malformed"
    RECEIPT_MALFORMED = "receipt_malformed"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"  # the gateway serves as many as it can

    # Who, when and in which state
    UNKNOWN_FUNCTION = "unknown_function"
    NOT_PERMITTED = "not_permitted"
    WRONG_ACTOR = "wrong_actor"
    WRONG_STATE = "wrong_state"
    DEADLINE_PASSED = "deadline_passed"
    NOT_DUE = "not_due"
    NOT_FOUND = "not_found"

    # Market configuration
    MARKET_EXISTS = "market_exists"
    MARKET_MISSING = "market_missing"
    MARKET_INVALID = "market_invalid"

    # Accounts and money
    UNKNOWN_ACCOUNT = "unknown_account"
    ACCOUNT_EXISTS = "account_exists"
    ACCOUNT_FROZEN = "account_frozen"
    UNKNOWN_COIN = "unknown_coin"
    COIN_SPENT = "coin_spent"
    COIN_NOT_YOURS = "coin_not_yours"
    COIN_SUPERFLUOUS = "coin_superfluous"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    MALFORMED_AMOUNT = "malformed_amount"
    WRONG_AMOUNT = "wrong_amount"
    DEPOSIT_USED = "deposit_used"
    ISSUER_CAP = "issuer_cap"
    PAYMENT_INVALID = "payment_invalid"  # of a payment that was to pay for an inquiry

    # Listings
    UNKNOWN_LISTING = "unknown_listing"
    LISTING_EXISTS = "listing_exists"
    STALE_OFFER = "stale_offer"
    WRONG_PRICE = "wrong_price"
    WRONG_DEADLINES = "wrong_deadlines"
    NOT_FOR_SALE = "not_for_sale"
    OWN_LISTING = "own_listing"
    ALREADY_RESERVED = "already_reserved"
    ALREADY_LISTED = "already_listed"
    ALREADY_REGISTERED = "already_registered"
    SIMILAR_REGISTERED = "similar_registered"
    UNDER_REVIEW = "under_review"
    RELIST_EXISTING = "relist_existing"
    LEGAL_HOLD = "legal_hold"  # by the supervisor's order nothing of the listing is deleted
    COMMITMENT_MISMATCH = "commitment_mismatch"
    UNKNOWN_GENERATOR = "unknown_generator"
    TOO_MANY_ITEMS = "too_many_items"
    DESCRIPTION_MALFORMED = "description_malformed"
    LISTING_CLAIMED = "listing_claimed"  # its owner is disputed
    PARTS_MISSING = "parts_missing"  # fingerprints that an application names and did not send before

    # Fingerprints
    FINGERPRINT_MALFORMED = "fingerprint_malformed"
    INCOMPATIBLE_FINGERPRINTS = "incompatible_fingerprints"
    NOT_AN_IMAGE = "not_an_image"
    IMAGE_TOO_LARGE = "image_too_large"
    NOT_TEXT = "not_text"
    NOT_A_TABLE = "not_a_table"
    NOT_AN_ARCHIVE = "not_an_archive"
    ARCHIVE_UNSAFE = "archive_unsafe"  # names that lead elsewhere, links, the same name twice, locked entries
    DATA_TOO_LARGE = "data_too_large"
    EMPTY_COLLECTION = "empty_collection"
    EMPTY_FILE = "empty_file"
    UNSUPPORTED_FORMAT = "unsupported_format"
    DECODER_MISSING = "decoder_missing"  # an optional one, which another machine may have

    # Trades, packages and the board
    UNKNOWN_TRADE = "unknown_trade"
    UNKNOWN_CLAIM = "unknown_claim"
    PACKAGE_MALFORMED = "package_malformed"
    PACKAGE_ROOT_MISMATCH = "package_root_mismatch"
    PACKAGE_TAMPERED = "package_tampered"
    PACKAGE_WRONG_TRADE = "package_wrong_trade"
    PACKAGE_UNDECRYPTABLE = "package_undecryptable"
    PACKAGE_INCOMPLETE = "package_incomplete"
    PACKAGE_NOT_RELEASED = "package_not_released"
    UPLOAD_OFFSET = "upload_offset"
    NOTICE_MISMATCH = "notice_mismatch"
    PROOF_INVALID = "proof_invalid"
    ANCHOR_STALE = "anchor_stale"

    # The system's own parts
    CONFLICT = "conflict"
    ENDORSEMENT_FAILED = "endorsement_failed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    CLOCK_SKEWED = "clock_skewed"  # the ledger takes no proposal dated by this machine's clock
    DATABASE_UNAVAILABLE = "database_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    PLATFORM_UNAVAILABLE = "platform_unavailable"  # a member's gateway does not reach the platform's
    INTERNAL = "internal"


class MarketError(Exception):
    """A refusal by a rule of the market: a code of the closed list and a detail without secrets."""

    def __init__(self, code: ErrorCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail

    def to_json(self) -> bytes:
        """Return the canonical JSON ``{"code","detail"}`` that chaincode answers with (RFC 8785)."""
        # json with sorted keys and no spaces equals RFC 8785 for two ASCII keys and string values.
        document = {"code": str(self.code), "detail": self.detail}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes | str) -> Self | None:
        """Return the error that ``data`` holds, or None when it is not one of ours."""
        try:
            document = json.loads(data)
            return cls(ErrorCode(document["code"]), str(document["detail"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
