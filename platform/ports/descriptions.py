"""Descriptions of contracts from whoever serves them, for those who were not given them at registration."""

from dataclasses import dataclass, field
from typing import Protocol

from countermark.protocol.description import Description


@dataclass(frozen=True, slots=True)
class Described:
    """What the commitment ``c_d`` of a contract hides."""

    description: Description
    salt_d: bytes = field(repr=False)


class Descriptions(Protocol):
    """Tells descriptions; nobody need believe it, since the ledger commits to them."""

    def tell(self, address: str) -> Described | None:
        """Return the description of the contract ``address``, None where it was erased.

        Raises:
            MarketError: UNKNOWN_LISTING where it is not told (yet); PLATFORM_UNAVAILABLE.
        """
        ...
