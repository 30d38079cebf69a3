"""A contract (listing): three commitments, an owner, an offer and a state; no private key belongs to it (D-3)."""

from dataclasses import dataclass
from typing import Any, Self

from countermark.chaincode.records import moments
from countermark.protocol import times
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import ListingState


@dataclass(frozen=True)
class Offer:
    """What the owner asks: ``price`` in minor units, deadlines in seconds. Every change has its own version."""

    version: int
    right: str
    price: int
    deadlines: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the offer as it stands in a listing's record."""
        return {
            "deadlines": self.deadlines,
            "price": str(self.price),
            "right": self.right,
            "version": self.version,
        }

    @classmethod
    def from_params(cls, params: dict[str, Any], *, version: int) -> Self:
        """Return the offer that an intent's parameters name, under ``version``."""
        return cls(version, params["right"], int(params["price"]), params["deadlines"])

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the offer of a listing's record."""
        return cls(record["version"], record["right"], int(record["price"]), record["deadlines"])


@dataclass(frozen=True)
class Listing:
    """One contract; ``trade`` reserves it, or has voided it, ``deadline_ms`` is that of its management fee.

    ``held`` says that a legal hold lies on it, ``erased`` that its opening was purged. The record names either only
    where it is so: what was registered by a chaincode that knew neither reads the same.
    """

    address: str
    seller: str
    owner: str
    state: ListingState
    c_f: str
    c_d: str
    c_exact: str
    items: int
    generator: str
    overlaps: list[str]
    offer: Offer
    exact_key: str
    management_fee: int
    created_at_ms: int
    created_tx: str
    market_version: int
    guard_s: int
    trade: str = ""
    deadline_ms: int | None = None
    claim: str = ""
    """The claim of ownership that waits for its end, "" for none."""
    awarded: str = ""
    """The claim by which the present owner has it, until he offers it; "" where it was bought or registered."""
    held: bool = False
    erased: bool = False

    def check_owner(self, address: str) -> None:
        """Check that ``address`` owns the contract.

        Raises:
            MarketError: WRONG_ACTOR.
        """
        if address != self.owner:
            raise MarketError(ErrorCode.WRONG_ACTOR, "only the owner of a listing may do this")

    def check_unclaimed(self) -> None:
        """Check that nobody claims the contract.

        Raises:
            MarketError: LISTING_CLAIMED.
        """
        if self.claim:
            raise MarketError(ErrorCode.LISTING_CLAIMED, "the listing is claimed by somebody else")

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in the world state."""
        return {
            "address": self.address,
            "awarded": self.awarded,
            "c_d": self.c_d,
            "c_exact": self.c_exact,
            "c_f": self.c_f,
            "claim": self.claim,
            "claimed": bool(self.claim),
            "created_at": times.to_text(self.created_at_ms),
            "created_tx": self.created_tx,
            "deadline": moments.write(self.deadline_ms),
            "exact_key": self.exact_key,
            "generator": self.generator,
            "guard": self.guard_s,
            "items": self.items,
            "management_fee": str(self.management_fee),
            "market_version": self.market_version,
            "offer": self.offer.to_json(),
            "overlaps": self.overlaps,
            "owner": self.owner,
            "seller": self.seller,
            "state": self.state,
            "trade": self.trade,
            **{name: True for name in ("held", "erased") if getattr(self, name)},
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the listing of a record of the world state."""
        return cls(
            address=record["address"],
            seller=record["seller"],
            owner=record["owner"],
            state=ListingState(record["state"]),
            c_f=record["c_f"],
            c_d=record["c_d"],
            c_exact=record["c_exact"],
            items=record["items"],
            generator=record["generator"],
            overlaps=record["overlaps"],
            offer=Offer.from_json(record["offer"]),
            exact_key=record["exact_key"],
            management_fee=int(record["management_fee"]),
            created_at_ms=times.from_text(record["created_at"]),
            created_tx=record["created_tx"],
            market_version=record["market_version"],
            guard_s=record["guard"],
            trade=record["trade"],
            deadline_ms=moments.read(record["deadline"]),
            claim=record["claim"],
            awarded=record["awarded"],
            held=record.get("held", False),
            erased=record.get("erased", False),
        )
