"""The market as it stands on the ledger: its name, and its configuration in force."""

from dataclasses import dataclass
from typing import Any, Self

from countermark.protocol.market import MarketConfig


@dataclass(frozen=True)
class Market:
    """The record of the market; ``name`` is the channel/chaincode under which it was founded."""

    name: str
    config: MarketConfig

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in the world state: the configuration's members, and the name."""
        return {**self.config.to_json(), "market": self.name}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the market of a record of the world state."""
        return cls(record["market"], MarketConfig.from_json(record))
