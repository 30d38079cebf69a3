"""A claim of ownership: who says that whose contract is his, how far it has come, and the money that it holds."""

from dataclasses import dataclass
from typing import Any, Self

from countermark.chaincode.records import moments
from countermark.chaincode.records.escrow import Held, Paid
from countermark.chaincode.records.terms import Decider
from countermark.protocol import times
from countermark.protocol.claims import CLAIM_DEFAULTS, ClaimActor, ClaimDefault, Claimed, ClaimState


@dataclass(frozen=True)
class Sale:
    """A trade of the contract that was settled while it was claimed: its price is held for its buyer or seller."""

    trade: str
    buyer: str
    seller: str

    def to_json(self) -> dict[str, str]:
        """Return the member ``sale`` of a claim's record."""
        return {"buyer": self.buyer, "seller": self.seller, "trade": self.trade}


@dataclass(frozen=True)
class Claim:
    """One claim; what held when it was opened holds until its end. Money in minor units, durations in seconds."""

    id: str
    listing: str
    claimant: str
    owner: str
    """Who owned the contract when it was claimed, or has answered for it since."""
    decider: Decider
    deposit: int
    arbiter_fee: int
    deadlines: dict[str, int]
    guard_s: int
    market_version: int
    opened_at_ms: int
    updated_at_ms: int
    deadline_ms: int | None
    """End of the present state; None in final ones."""
    claimant_evidence: str
    """Digest of the claimant's sealed evidence."""
    state: ClaimState = ClaimState.OPEN
    outcome: Claimed = Claimed.NOBODY
    owner_evidence: str = ""
    escrow: tuple[Held, ...] = ()
    payouts: tuple[Paid, ...] = ()
    sale: Sale | None = None
    decision: dict[str, str] | None = None

    @property
    def parties(self) -> tuple[str, ...]:
        """Addresses of claimant, owner and the one who decides."""
        return (self.claimant, self.owner, self.decider.account)

    @property
    def default(self) -> ClaimDefault | None:
        """What the present deadline brings, None in a final state."""
        return CLAIM_DEFAULTS.get(self.state)

    def roles(self, address: str, *, owner: str) -> frozenset[ClaimActor]:
        """Return the roles of ``address``, where ``owner`` owns the contract now."""
        holders = {ClaimActor.OWNER: owner, ClaimActor.SUPERVISOR: self.decider.account}
        return frozenset(role for role, holder in holders.items() if holder == address)

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in the world state."""
        return {
            "arbiter_fee": str(self.arbiter_fee),
            "claimant": self.claimant,
            "deadline": moments.write(self.deadline_ms),
            "deadlines": self.deadlines,
            "decider": self.decider.to_json(),
            "decision": self.decision,
            "deposit": str(self.deposit),
            "escrow": [held.to_json() for held in self.escrow],
            "evidence": {"claimant": self.claimant_evidence, "owner": self.owner_evidence},
            "guard": self.guard_s,
            "id": self.id,
            "listing": self.listing,
            "market_version": self.market_version,
            "opened_at": times.to_text(self.opened_at_ms),
            "outcome": self.outcome,
            "owner": self.owner,
            "payouts": [paid.to_json() for paid in self.payouts],
            "sale": self.sale.to_json() if self.sale else None,
            "state": self.state,
            "updated_at": times.to_text(self.updated_at_ms),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the claim of a record of the world state."""
        return cls(
            id=record["id"],
            listing=record["listing"],
            claimant=record["claimant"],
            owner=record["owner"],
            decider=Decider(**record["decider"]),
            deposit=int(record["deposit"]),
            arbiter_fee=int(record["arbiter_fee"]),
            deadlines=record["deadlines"],
            guard_s=record["guard"],
            market_version=record["market_version"],
            opened_at_ms=times.from_text(record["opened_at"]),
            updated_at_ms=times.from_text(record["updated_at"]),
            deadline_ms=moments.read(record["deadline"]),
            claimant_evidence=record["evidence"]["claimant"],
            owner_evidence=record["evidence"]["owner"],
            state=ClaimState(record["state"]),
            outcome=Claimed(record["outcome"]),
            escrow=tuple(Held.from_json(entry) for entry in record["escrow"]),
            payouts=tuple(Paid.from_json(entry) for entry in record["payouts"]),
            sale=Sale(**record["sale"]) if record["sale"] else None,
            decision=record["decision"],
        )
