"""What travels about a claim of ownership off the ledger: evidence, sealed, and the supervisor's reasons.

The digest of each stands in an intent: of the sealed message in `claim.open` and `claim.answer`, of the salted
reasons in `claim.decide`.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from countermark.protocol import canonical, fields
from countermark.protocol.claims import Claimed
from countermark.protocol.encoding import b64u, digest, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

EVIDENCE_KIND = "claim"
"""Kind of the sealed message in which evidence travels."""
LONGEST_STATEMENT = 20_000
"""Characters."""
LONGEST_REMARK = 2000
"""Characters."""
MOST_FILES = 64
FILE_BYTES = 8 << 20
"""Most bytes that all files of one side's evidence may have together."""

LONGEST_BODY = 16 << 20
"""Most bytes of a request that carries sealed evidence."""

_SALT_BYTES = 32
_NAME_BYTES = 200
_NAME = fields.text(_NAME_BYTES)


def _file(value: object) -> tuple[str, bytes]:
    record = fields.record(value, {"name": _file_name, "data": fields.text(FILE_BYTES * 4 // 3 + 4, empty=True)})
    return record["name"], unb64u(record["data"])


def _file_name(value: object) -> str:
    # It becomes a file's name on the machine of whoever looks at it.
    name: str = _NAME(value)
    plain = name.isprintable() and not any(mark in name for mark in "/\\:")
    if not plain or name in (".", "..") or len(name.encode()) > _NAME_BYTES:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a file of evidence has a plain name")
    return name


_EVIDENCE: Mapping[str, fields.Parser] = {
    "account": fields.address,
    "listing": fields.listing,
    "statement": fields.text(LONGEST_STATEMENT),
    "files": fields.sequence(_file, longest=MOST_FILES),
}


@dataclass(frozen=True)
class Evidence:
    """What ``account`` shows the supervisor of its right to ``listing``; ``files`` are names and bytes.

    It names who shows it: whoever only carries it cannot show it as his own.
    """

    account: str
    listing: str
    statement: str
    files: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    def to_bytes(self) -> bytes:
        """Return the plaintext of the sealed message.

        Raises:
            MarketError: TOO_LARGE, MALFORMED_REQUEST.
        """
        if len(self.files) > MOST_FILES or sum(len(data) for _, data in self.files) > FILE_BYTES:
            raise MarketError(
                ErrorCode.TOO_LARGE, f"evidence has at most {MOST_FILES} files of {FILE_BYTES >> 20} MiB together"
            )
        document = {
            "account": self.account,
            "listing": self.listing,
            "statement": self.statement,
            "files": [{"name": name, "data": b64u(data)} for name, data in self.files],
        }
        self._parse(document)
        return canonical.dumps(document)

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> Self:
        """Return the evidence in the plaintext of a sealed message.

        Raises:
            MarketError: MALFORMED_REQUEST.
        """
        return cls._parse(canonical.loads(plaintext))

    @classmethod
    def _parse(cls, document: object) -> Self:
        record = fields.record(document, _EVIDENCE)
        names = [name.casefold() for name, _ in record["files"]]
        if len(set(names)) != len(names):
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "two files of evidence have one name")
        return cls(record["account"], record["listing"], record["statement"], tuple(record["files"]))


@dataclass(frozen=True)
class ClaimReasons:
    """Why a claim was decided as it was; the salt keeps the public digest from telling anybody who was not told."""

    claim: str
    decision: Claimed
    remark: str
    salt: bytes

    @classmethod
    def give(cls, claim: str, decision: Claimed, remark: str = "") -> Self:
        """Return fresh reasons."""
        return cls(claim, decision, remark, secrets.token_bytes(_SALT_BYTES))

    @property
    def digest(self) -> str:
        """The ``reasons`` of `claim.decide`."""
        return digest(canonical.dumps(self.to_json()))

    def to_json(self) -> dict[str, Any]:
        """Return the document that the platform keeps for the parties."""
        return {"claim": self.claim, "decision": self.decision, "remark": self.remark, "salt": b64u(self.salt)}

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Return the reasons of a document.

        Raises:
            MarketError: MALFORMED_REQUEST.
        """
        record = fields.record(document, _REASONS)
        return cls(record["claim"], Claimed(record["decision"]), record["remark"], unb64u(record["salt"]))


_REASONS: Mapping[str, fields.Parser] = {
    "claim": fields.claim,
    "decision": fields.choice(Claimed.CLAIMANT, Claimed.OWNER),
    "remark": fields.text(LONGEST_REMARK, empty=True),
    "salt": fields.binary(_SALT_BYTES),
}
