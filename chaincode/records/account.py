"""An account: whose key it is stands in its address; the record holds what may change."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from countermark.chaincode.records import moments
from countermark.protocol import times
from countermark.protocol.errors import ErrorCode, MarketError


class AccountState(StrEnum):
    """RECOVERING is the time lock of `account.recover`, in which the old key may only veto."""

    OPEN = "OPEN"
    FROZEN = "FROZEN"
    RECOVERING = "RECOVERING"
    RECOVERED = "RECOVERED"


class FrozenBy(StrEnum):
    """By whose wish an account is frozen; it acts again only when neither's is left."""

    NOBODY = ""
    OWNER = "owner"
    SUPERVISOR = "supervisor"
    BOTH = "both"

    @property
    def order(self) -> bool:
        """Whether the supervisor's order is among them."""
        return self in (FrozenBy.SUPERVISOR, FrozenBy.BOTH)

    @property
    def wish(self) -> bool:
        """Whether the owner's wish is among them."""
        return self in (FrozenBy.OWNER, FrozenBy.BOTH)


@dataclass(frozen=True)
class Account:
    """One account. ``sponsor`` is the MSP that vouches for it, "" for none."""

    address: str
    encryption_key: dict[str, Any]
    opened_at_ms: int
    updated_at_ms: int
    state: AccountState = AccountState.OPEN
    sponsor: str = ""
    recovery: str = ""
    """Address that may recover the account; "" for none, or after a veto."""
    frozen_by: FrozenBy = FrozenBy.NOBODY
    """What the supervisor has frozen, no recovery moves."""
    deadline_ms: int | None = None
    """When a recovery that nobody vetoes may be completed."""

    def check_open(self) -> None:
        """Check that the account may act.

        Raises:
            MarketError: ACCOUNT_FROZEN.
        """
        if self.state is not AccountState.OPEN:
            raise MarketError(ErrorCode.ACCOUNT_FROZEN, f"the account is {self.state}: it cannot act")

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in the world state."""
        return {
            "address": self.address,
            "deadline": moments.write(self.deadline_ms),
            "encryption_key": self.encryption_key,
            "frozen_by": self.frozen_by,
            "opened_at": times.to_text(self.opened_at_ms),
            "recovery": self.recovery,
            "sponsor": self.sponsor,
            "state": self.state,
            "updated_at": times.to_text(self.updated_at_ms),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the account of a record of the world state."""
        return cls(
            address=record["address"],
            encryption_key=record["encryption_key"],
            opened_at_ms=times.from_text(record["opened_at"]),
            updated_at_ms=times.from_text(record["updated_at"]),
            state=AccountState(record["state"]),
            sponsor=record["sponsor"],
            recovery=record["recovery"],
            frozen_by=FrozenBy(record["frozen_by"]),
            deadline_ms=moments.read(record["deadline"]),
        )
