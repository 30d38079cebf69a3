"""Salted commitments of a listing and their opening (D-1).

On the ledger stand ``c_f`` (root of the item fingerprints), ``c_d`` (description) and ``c_exact`` (exact digest);
each has its own 32-byte salt, so nobody can test a guess. The opening goes to the private collection of platform
and supervisor; a buyer gets two of the salts inside the sealed package and recomputes what he received.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, Self

from countermark.protocol import canonical, fields, merkle
from countermark.protocol.description import Description, parse_description
from countermark.protocol.encoding import as_digest, b64u, unb64u, undigest
from countermark.protocol.errors import ErrorCode, MarketError

SALT_BYTES = 32
PEPPER_BYTES = 32

Kind = Literal["f", "d", "exact"]

_DOMAIN = b"countermark/commitment/v1\x00"


@dataclass(frozen=True)
class Commitments:
    """The three digests (``sha256:…``) that a listing shows."""

    c_f: str
    c_d: str
    c_exact: str


def new_salt() -> bytes:
    """Return 32 random bytes."""
    return secrets.token_bytes(SALT_BYTES)


def commit(kind: Kind, salt: bytes, value: bytes) -> str:
    """Return the commitment ``sha256:…`` to ``value``; no value of one kind passes for one of another.

    ``value`` is the 32-byte root for ``f``, canonical JSON for ``d``, the 32-byte digest for ``exact``.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 32 bytes")
    return as_digest(sha256(_DOMAIN + kind.encode() + b"\x00" + salt + value).digest())


def fingerprint_root(items: Iterable[bytes]) -> bytes:
    """Return the Merkle root over the canonical fingerprints of a listing's items, in the listing's order.

    Raises:
        MarketError: FINGERPRINT_MALFORMED; a listing without items.
    """
    tree = merkle.Frontier(merkle.leaf_hash(item) for item in items)
    if not tree.size:
        raise MarketError(ErrorCode.FINGERPRINT_MALFORMED, "a listing has at least one item")
    return tree.root()


def exact_key(pepper: bytes, exact_digest: bytes) -> str:
    """Return the hex HMAC-SHA256 under which an exact digest is registered: no oracle without the pepper (D-2)."""
    if len(pepper) != PEPPER_BYTES:
        raise ValueError("a pepper has 32 bytes")
    return hmac.digest(pepper, exact_digest, "sha256").hex()


def _salt(value: object) -> bytes:
    return unb64u(value, length=SALT_BYTES)


_OPENING: Mapping[str, fields.Parser] = {
    "description": parse_description,
    "exact": undigest,
    "items": fields.integer(1, 1_000_000),
    "root": undigest,
    "salt_d": _salt,
    "salt_exact": _salt,
    "salt_f": _salt,
}


@dataclass(frozen=True)
class Opening:
    """Everything that a listing's commitments hide; its repr shows none of it."""

    root: bytes = field(repr=False)
    """Merkle root of the item fingerprints, 32 bytes."""
    exact: bytes = field(repr=False)
    """SHA-256 of the data, or the root of its manifest, 32 bytes."""
    description: Description = field(repr=False)
    salt_f: bytes = field(repr=False)
    salt_d: bytes = field(repr=False)
    salt_exact: bytes = field(repr=False)
    items: int
    """How many item fingerprints lie under the root."""

    def commitments(self) -> Commitments:
        """Return the commitments that this opens."""
        return Commitments(
            c_f=commit("f", self.salt_f, self.root),
            c_d=commit("d", self.salt_d, self.description.to_bytes()),
            c_exact=commit("exact", self.salt_exact, self.exact),
        )

    def check(self, commitments: Commitments) -> None:
        """Check that this opens ``commitments``.

        Raises:
            MarketError: COMMITMENT_MISMATCH.
        """
        if self.commitments() != commitments:
            raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the opening does not give the commitments")

    def to_json(self) -> bytes:
        """Return the canonical JSON bytes that `from_json` reads; secret."""
        document: dict[str, Any] = {
            "description": self.description.to_json(),
            "exact": as_digest(self.exact),
            "items": self.items,
            "root": as_digest(self.root),
            "salt_d": b64u(self.salt_d),
            "salt_exact": b64u(self.salt_exact),
            "salt_f": b64u(self.salt_f),
        }
        return canonical.dumps(document)

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Return the opening of which `to_json` wrote ``data``.

        Raises:
            MarketError: MALFORMED_REQUEST, DESCRIPTION_MALFORMED.
        """
        opening = cls(**fields.record(canonical.loads(data), _OPENING))
        if opening.description.items != opening.items:
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "the description counts other items than the opening")
        return opening
