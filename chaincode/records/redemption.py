"""A coin's redemption: locked to an issuer until he burns it, or it returns at the deadline."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from countermark.chaincode.records import moments

_ID = re.compile(r"[0-9a-f]{64}")


class RedemptionState(StrEnum):
    """BURNT and RETURNED are final."""

    LOCKED = "LOCKED"
    BURNT = "BURNT"
    RETURNED = "RETURNED"


@dataclass(frozen=True)
class Redemption:
    """One redemption; ``id`` is the transaction that locked ``coin``, ``amount`` in minor units."""

    id: str
    owner: str
    issuer: str
    amount: int
    coin: str
    deadline_ms: int | None
    guard_s: int
    state: RedemptionState = RedemptionState.LOCKED

    @staticmethod
    def is_id(text: str) -> bool:
        """Return whether ``text`` has the form of a redemption's id."""
        return _ID.fullmatch(text) is not None

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in the world state."""
        return {
            "amount": str(self.amount),
            "coin": self.coin,
            "deadline": moments.write(self.deadline_ms),
            "guard": self.guard_s,
            "id": self.id,
            "issuer": self.issuer,
            "owner": self.owner,
            "state": self.state,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the redemption of a record of the world state."""
        return cls(
            id=record["id"],
            owner=record["owner"],
            issuer=record["issuer"],
            amount=int(record["amount"]),
            coin=record["coin"],
            deadline_ms=moments.read(record["deadline"]),
            guard_s=record["guard"],
            state=RedemptionState(record["state"]),
        )
