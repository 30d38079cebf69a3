"""How much of somebody else's a collection may hold: the numbers behind the gate's decisions (A-09)."""

from dataclasses import dataclass

__all__ = ["POLICY", "Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds, reached by what equals them. A single thing is a collection of one: it is a copy, or it is none.

    Attributes:
        refuse_share: From this share of the items at hand that are another's, or of another's items that are at
            hand, it is refused.
        review_share: The same, from which a person looks.
        refuse_items: Number of items of others, in all that the seller has registered, from which it is refused.
        review_items: Number of items of others at hand from which a person looks.
        few: So many items of another's larger collection are refused by its share only if they are more.
        common_owners: An item that so many others have registered is common: it is nobody's, and refuses nothing.
        least_items: Only a collection of so many items may hold common ones: a thing by itself is its owner's.
    """

    refuse_share: float
    review_share: float
    refuse_items: int
    review_items: int
    few: int
    common_owners: int
    least_items: int


POLICY = Policy(
    refuse_share=0.20, review_share=0.05, refuse_items=200, review_items=50, few=2, common_owners=3, least_items=10
)
"""What the platform goes by; the ADR on collections says why."""
