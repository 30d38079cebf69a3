"""What the gate decides about: the data at hand, and the registrations that they resemble."""

from dataclasses import dataclass, field
from enum import StrEnum

from countermark.platform.matching.likeness import Item, Pair


class Standing(StrEnum):
    """Where a registration stands, as far as the gate is concerned."""

    PENDING = "pending"  # it passed the gate, the ledger has not said yet
    ON_MARKET = "on_market"
    OFF_MARKET = "off_market"
    AWARDED = "awarded"  # its owner has it by a claim, and registers data of his own in its place
    PARTITIONED = "partitioned"
    ERASED = "erased"  # off the market for good: nobody else's, and its owner's to register anew
    VOID = "void"


_STANDINGS = {
    "PENDING_FEE": Standing.ON_MARKET,
    "LISTED": Standing.ON_MARKET,
    "RESERVED": Standing.ON_MARKET,
    "WITHDRAWN": Standing.OFF_MARKET,
    "SOLD": Standing.OFF_MARKET,
    "PARTITIONED": Standing.PARTITIONED,
    "VOID": Standing.VOID,
}


def standing(listing_state: str, *, awarded: bool = False, erased: bool = False) -> Standing:
    """Return the standing of a contract in ``listing_state`` (the Listing machine of protocol.md).

    A state that this table does not know counts as on the market: the strict side. ``awarded`` is whether its owner
    has it by a claim and has not offered it since.
    """
    found = _STANDINGS.get(listing_state, Standing.ON_MARKET)
    if erased and found is Standing.OFF_MARKET:
        return Standing.ERASED
    return Standing.AWARDED if awarded and listing_state in ("WITHDRAWN", "SOLD", "PENDING_FEE") else found


@dataclass(frozen=True, slots=True)
class Offered:
    """The data at hand: who offers them, their items, and how many items of others he has registered before."""

    requester: str
    items: frozenset[Item] = field(repr=False)
    others_before: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registration that the data at hand resemble.

    Attributes:
        address: Of the contract.
        owner: His account.
        standing: Where it stands.
        items: How many items it has.
        exact: Whether the data at hand have the same bytes.
        copies: The items at hand that are copies of its own, each with the one that it is a copy of.
        doubted: The items at hand that only a person can tell from its own.
        taken: Items of it that earlier registrations of the requester hold.
    """

    address: str
    owner: str
    standing: Standing
    items: int = 1
    exact: bool = False
    copies: frozenset[Pair] = field(default=frozenset(), repr=False)
    doubted: frozenset[Item] = field(default=frozenset(), repr=False)
    taken: frozenset[Item] = field(default=frozenset(), repr=False)
