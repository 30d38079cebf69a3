"""What those who decide a dispute can find (D-6), and the reasons that they give: their digest stands on the ledger.

The reasons name no content of the data. They carry 32 random bytes, so that the public digest tells nobody who was
not told.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from countermark.protocol import canonical, fields
from countermark.protocol.encoding import b64u, digest, unb64u
from countermark.protocol.errors import ErrorCode
from countermark.protocol.transitions import Decision

LONGEST_REMARK = 2000
"""Characters."""

_SALT_BYTES = 32


class Finding(StrEnum):
    """What the evidence shows.

    Attributes:
        AS_REGISTERED: Bytes and fingerprint are those of the contract.
        NOT_OPENED: There is no opening that matches its digest and can be read.
        WRONG_KEY: What was opened is not the trade's one-time key.
        NO_BYTES: Nobody has the bytes of the committed root.
        UNDECRYPTABLE: The package does not open with the one-time key.
        ALTERED: The fingerprint is that of the contract, the bytes are others.
        OTHER_DATA: Neither is.
        FALSE_FINGERPRINT: The bytes are those of the contract, the fingerprint that was registered is not theirs.
    """

    AS_REGISTERED = "as_registered"
    NOT_OPENED = "not_opened"
    WRONG_KEY = "wrong_key"
    NO_BYTES = "no_bytes"
    UNDECRYPTABLE = "undecryptable"
    ALTERED = "altered"
    OTHER_DATA = "other_data"
    FALSE_FINGERPRINT = "false_fingerprint"

    @property
    def decision(self) -> Decision:
        """What follows from it."""
        return _DECISIONS[self]


_DECISIONS: Mapping[Finding, Decision] = {
    Finding.AS_REGISTERED: Decision.DELIVERED,
    Finding.NOT_OPENED: Decision.UNOPENED,
    Finding.WRONG_KEY: Decision.UNOPENED,
    Finding.NO_BYTES: Decision.MISSING,
    Finding.UNDECRYPTABLE: Decision.FAULTY,
    Finding.ALTERED: Decision.FAULTY,
    Finding.OTHER_DATA: Decision.FAULTY,
    Finding.FALSE_FINGERPRINT: Decision.MISREGISTERED,
}


def compare(*, same_bytes: bool, same_fingerprint: bool) -> Finding:
    """Return what a package shows that opens: the seller has delivered only where both are the contract's (A-18)."""
    if same_fingerprint:
        return Finding.AS_REGISTERED if same_bytes else Finding.ALTERED
    return Finding.FALSE_FINGERPRINT if same_bytes else Finding.OTHER_DATA


@dataclass(frozen=True)
class Reasons:
    """Why a trade was decided as it was; ``remark`` is for people."""

    trade: str
    finding: Finding
    remark: str
    salt: bytes

    @classmethod
    def give(cls, trade: str, finding: Finding, remark: str = "") -> Self:
        """Return fresh reasons."""
        return cls(trade, finding, remark, secrets.token_bytes(_SALT_BYTES))

    @property
    def digest(self) -> str:
        """The ``reasons`` of `trade.decide`."""
        return digest(canonical.dumps(self.to_json()))

    def to_json(self) -> dict[str, Any]:
        """Return the document that the platform keeps for the parties."""
        return {"trade": self.trade, "finding": self.finding, "remark": self.remark, "salt": b64u(self.salt)}

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Return the reasons of a document.

        Raises:
            MarketError: MALFORMED_REQUEST.
        """
        record = fields.record(document, _REASONS, code=ErrorCode.MALFORMED_REQUEST)
        return cls(record["trade"], Finding(record["finding"]), record["remark"], unb64u(record["salt"]))


_REASONS: Mapping[str, fields.Parser] = {
    "trade": fields.trade,
    "finding": fields.choice(*Finding),
    "remark": fields.text(LONGEST_REMARK, empty=True),
    "salt": fields.binary(_SALT_BYTES),
}
