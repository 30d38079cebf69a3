"""What a trade was agreed on at payment; it never changes, whatever becomes of the market's configuration."""

from dataclasses import dataclass
from typing import Any, Self

from countermark.protocol import times
from countermark.protocol.transitions import Actor

RULES_VERSION = 1
"""Version of the rules that new trades are made under; a later chaincode runs old trades by their own."""


@dataclass(frozen=True)
class Decider:
    """Who may decide a dispute: account, organisation and the key to which evidence is sealed."""

    account: str
    msp_id: str
    encryption_key: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the entry of a trade's record."""
        return {"account": self.account, "encryption_key": self.encryption_key, "msp_id": self.msp_id}


@dataclass(frozen=True)
class Terms:
    """What holds for the trade until its end, whatever the market's configuration becomes.

    Money in minor units, durations in seconds. ``undecided`` is "settle" or "refund". ``platform`` earns the fee.
    """

    id: str
    listing: str
    seller: str
    buyer: str
    right: str
    price: int
    fee: int
    bond: int
    arbiter_fee: int
    offer_version: int
    c_f: str
    c_d: str
    c_exact: str
    pk_t: str
    platform: str
    platform_msp: str
    arbiter: Decider
    substitute: Decider
    undecided: str
    market_version: int
    deadlines: dict[str, int]
    guard_s: int
    paid_at_ms: int
    rules: int = RULES_VERSION

    def organisation(self, actor: Actor) -> str | None:
        """Return the MSP whose clients alone bring what ``actor`` asks for; None where any organisation's may."""
        return {
            Actor.PLATFORM: self.platform_msp,
            Actor.ARBITER: self.arbiter.msp_id,
            Actor.SUBSTITUTE: self.substitute.msp_id,
        }.get(actor)

    def to_json(self) -> dict[str, Any]:
        """Return these members of a trade's record."""
        return {
            "arbiter": self.arbiter.to_json(),
            "arbiter_fee": str(self.arbiter_fee),
            "bond": str(self.bond),
            "buyer": self.buyer,
            "c_d": self.c_d,
            "c_exact": self.c_exact,
            "c_f": self.c_f,
            "deadlines": self.deadlines,
            "fee": str(self.fee),
            "guard": self.guard_s,
            "id": self.id,
            "listing": self.listing,
            "market_version": self.market_version,
            "offer_version": self.offer_version,
            "paid_at": times.to_text(self.paid_at_ms),
            "pk_t": self.pk_t,
            "platform": self.platform,
            "platform_msp": self.platform_msp,
            "price": str(self.price),
            "right": self.right,
            "rules": self.rules,
            "seller": self.seller,
            "substitute": self.substitute.to_json(),
            "undecided": self.undecided,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the terms in a trade's record."""
        return cls(
            id=record["id"],
            listing=record["listing"],
            seller=record["seller"],
            buyer=record["buyer"],
            right=record["right"],
            price=int(record["price"]),
            fee=int(record["fee"]),
            bond=int(record["bond"]),
            arbiter_fee=int(record["arbiter_fee"]),
            offer_version=record["offer_version"],
            c_f=record["c_f"],
            c_d=record["c_d"],
            c_exact=record["c_exact"],
            pk_t=record["pk_t"],
            platform=record["platform"],
            platform_msp=record["platform_msp"],
            arbiter=Decider(**record["arbiter"]),
            substitute=Decider(**record["substitute"]),
            undecided=record["undecided"],
            market_version=record["market_version"],
            deadlines=record["deadlines"],
            guard_s=record["guard"],
            paid_at_ms=times.from_text(record["paid_at"]),
            rules=record["rules"],
        )
