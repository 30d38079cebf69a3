"""Coins in escrow and out of it, as trades and claims name them in their records."""

from dataclasses import dataclass
from typing import Any, Self

from countermark.protocol.settlement import Part


@dataclass(frozen=True)
class Held:
    """A coin in escrow, its minor units and what it was paid for."""

    coin: str
    amount: int
    role: Part

    def to_json(self) -> dict[str, Any]:
        """Return the entry of an ``escrow``."""
        return {"amount": str(self.amount), "coin": self.coin, "role": self.role}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the coin of an entry of ``escrow``."""
        return cls(record["coin"], int(record["amount"]), Part(record["role"]))


@dataclass(frozen=True)
class Paid:
    """A coin that an end has made: its minor units, and its receiver's address or the key of what holds it."""

    coin: str
    to: str
    amount: int

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``payouts``."""
        return {"amount": str(self.amount), "coin": self.coin, "to": self.to}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the coin of an entry of ``payouts``."""
        return cls(record["coin"], record["to"], int(record["amount"]))
