"""A trade: the terms of its payment, how far it has come, and the money that it holds."""

from dataclasses import dataclass
from typing import Any, Self

from countermark.chaincode.records import moments
from countermark.chaincode.records.escrow import Held, Paid
from countermark.chaincode.records.terms import Decider, Terms
from countermark.protocol import times
from countermark.protocol.transitions import Actor, Decision, Default, Outcome, TradeState, find_default


@dataclass(frozen=True)
class Trade:
    """A trade and how far it has come; digests and times are "" or None while there is nothing to tell."""

    terms: Terms
    state: TradeState
    updated_at_ms: int
    deadline_ms: int | None
    """End of the present state; None in final ones."""
    outcome: Outcome = Outcome.NONE
    decider: Actor | None = None
    """Whose time runs in EVIDENCED, or ran when the trade ended there: ARBITER or SUBSTITUTE."""
    escrow: tuple[Held, ...] = ()
    payouts: tuple[Paid, ...] = ()
    package: dict[str, Any] | None = None
    seller_notice: str = ""
    buyer_notice: str = ""
    verdict: str = ""
    relayed_at: str = ""
    """The platform's receipt time of the complete package."""
    dispute: dict[str, str] | None = None
    openings: dict[str, str] | None = None
    remedy: dict[str, Any] | None = None
    """A second package, by which the seller would make good: root, size, notice and when it was relayed."""
    decision: dict[str, str] | None = None

    @property
    def id(self) -> str:
        """The trade's id, ``tr1…``."""
        return self.terms.id

    @property
    def parties(self) -> tuple[str, ...]:
        """Addresses of seller and buyer."""
        return (self.terms.seller, self.terms.buyer)

    @property
    def default(self) -> Default | None:
        """What the present deadline brings, None in a final state."""
        return find_default(self.state, self.decider)

    @property
    def judge(self) -> Decider:
        """Who decides, or has decided, or would: the arbiter until his time has run out, then his substitute."""
        return self.terms.substitute if self.decider is Actor.SUBSTITUTE else self.terms.arbiter

    @property
    def misregistered(self) -> bool:
        """Whether it was decided that the contract's fingerprint is not that of its data."""
        return self.decision is not None and self.decision["decision"] == Decision.MISREGISTERED

    def roles(self, address: str) -> frozenset[Actor]:
        """Return what ``address`` is in this trade."""
        roles = set()
        if address == self.terms.buyer:
            roles.add(Actor.BUYER)
        if address == self.terms.seller:
            roles.add(Actor.SELLER)
        if address == self.terms.platform:
            roles.add(Actor.PLATFORM)
        if self.decider is not None and address == self.judge.account:
            roles.add(self.decider)
        return frozenset(roles)

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in the world state."""
        return {
            **self.terms.to_json(),
            "deadline": moments.write(self.deadline_ms),
            "decision": self.decision,
            "decider": self.decider or "",
            "dispute": self.dispute,
            "escrow": [held.to_json() for held in self.escrow],
            "notices": {"buyer": self.buyer_notice, "seller": self.seller_notice},
            "openings": self.openings,
            "outcome": self.outcome,
            "package": self.package,
            "payouts": [paid.to_json() for paid in self.payouts],
            "relayed_at": self.relayed_at,
            "remedy": self.remedy,
            "state": self.state,
            "updated_at": times.to_text(self.updated_at_ms),
            "verdict": self.verdict,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the trade of a record of the world state."""
        return cls(
            terms=Terms.from_json(record),
            state=TradeState(record["state"]),
            updated_at_ms=times.from_text(record["updated_at"]),
            deadline_ms=moments.read(record["deadline"]),
            outcome=Outcome(record["outcome"]),
            decider=Actor(record["decider"]) if record["decider"] else None,
            escrow=tuple(Held.from_json(entry) for entry in record["escrow"]),
            payouts=tuple(Paid.from_json(entry) for entry in record["payouts"]),
            package=record["package"],
            seller_notice=record["notices"]["seller"],
            buyer_notice=record["notices"]["buyer"],
            verdict=record["verdict"],
            relayed_at=record["relayed_at"],
            dispute=record["dispute"],
            openings=record["openings"],
            remedy=record["remedy"],
            decision=record["decision"],
        )
