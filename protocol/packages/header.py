"""The values of a package: whose it is, what is wrapped beside its key, what its bytes add up to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from countermark.protocol import canonical, fields, messages
from countermark.protocol.errors import ErrorCode, MarketError

FORMAT = "countermark-package/1"
SALT_BYTES = 32

_MEMBERS: Mapping[str, fields.Parser] = {
    "buyer": fields.address,
    "format": fields.choice(FORMAT),
    "listing": fields.listing,
    "seller": fields.address,
    "trade": fields.trade,
}


@dataclass(frozen=True)
class PackageHeader:
    """The one trade for which a package is made."""

    trade: str
    buyer: str
    seller: str
    listing: str

    def to_bytes(self) -> bytes:
        """Return the canonical JSON that stands at the head of the package."""
        return canonical.dumps(
            {
                "buyer": self.buyer,
                "format": FORMAT,
                "listing": self.listing,
                "seller": self.seller,
                "trade": self.trade,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the header of which `to_bytes` wrote ``data``.

        Raises:
            MarketError: PACKAGE_MALFORMED.
        """
        code = ErrorCode.PACKAGE_MALFORMED
        document = messages.record(canonical.loads(data, code=code), _MEMBERS, code=code)
        del document["format"]
        return cls(**document)

    def check(self, expected: "PackageHeader") -> None:
        """Check that this is the header of the trade that is ``expected``.

        Raises:
            MarketError: PACKAGE_WRONG_TRADE.
        """
        if self != expected:
            raise MarketError(ErrorCode.PACKAGE_WRONG_TRADE, "the package was made for another trade")


@dataclass(frozen=True)
class PackageSalts:
    """The salts of ``c_f`` and ``c_exact``, with which the buyer checks what he received; 32 bytes each, secret."""

    salt_f: bytes = field(repr=False)
    salt_exact: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.salt_f) != SALT_BYTES or len(self.salt_exact) != SALT_BYTES:
            raise ValueError("a salt has 32 bytes")


@dataclass(frozen=True)
class PackageSummary:
    """What anybody who holds a package's bytes can say of it."""

    header: PackageHeader
    root: str
    """``sha256:…``: Merkle root over the header, the wrapped key and every chunk."""
    size: int
    """Bytes of the whole package."""
    chunks: int
