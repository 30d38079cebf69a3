"""What of the data at hand is like what of a registration, item by item."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from countermark.fingerprint import Fingerprint
from countermark.fingerprint.kinds import COLLECTION
from countermark.platform.matching.nearness import Near

Item = tuple[str, int]
"""An item of a listing: its kind, such as ``image``, and its place among the listing's items of that kind, from 0."""

Pair = tuple[Item, Item]
"""An item at hand, and one of a registration."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike a registration and the data at hand are.

    Attributes:
        sure: Whether any pair of items is a match, or all are in the review band.
        score: The highest similarity, 0 to 1; it orders answers and is shown to nobody.
        copies: The pairs that are matches.
        doubted: Items at hand that are in the review band of this registration.
    """

    sure: bool
    score: float
    copies: frozenset[Pair] = field(default=frozenset(), repr=False)
    doubted: frozenset[Item] = field(default=frozenset(), repr=False)

    def joined(self, other: "Likeness") -> "Likeness":
        """Return both as one; the strictest counts."""
        sure, score = max((self.sure, self.score), (other.sure, other.score))
        return Likeness(sure, score, self.copies | other.copies, self.doubted | other.doubted)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a comparison with every registration up to row ``seen`` found, by contract address.

    ``near`` tells how near the nearest pair is of those that are different and not quite so; ``linked`` are those at
    which attempts were made that the data at hand resemble.
    """

    seen: int = 0
    likenesses: Mapping[str, Likeness] = field(default_factory=dict)
    near: Mapping[str, Near] = field(default_factory=dict, repr=False)
    linked: frozenset[str] = frozenset()

    @property
    def addresses(self) -> set[str]:
        """All of them."""
        return {*self.likenesses, *self.near, *self.linked}

    def merge(self, later: "Survey") -> "Survey":
        """Return this survey and one of later rows as one."""
        merged = dict(self.likenesses)
        for address, likeness in later.likenesses.items():
            earlier = merged.get(address)
            merged[address] = likeness if earlier is None else earlier.joined(likeness)
        near = dict(self.near)
        for address, other in later.near.items():
            near[address] = max(other, near.get(address, other))
        return Survey(max(self.seen, later.seen), merged, near, self.linked | later.linked)


def placed(fingerprints: Sequence[Fingerprint]) -> Iterator[tuple[Item, Fingerprint]]:
    """Yield the items of a listing's ``fingerprints``, once for each generator that an item has one of.

    The summary of a collection is none of its items.
    """
    counts: Counter[str] = Counter()
    for fingerprint in fingerprints:
        place = counts[fingerprint.generator]
        counts[fingerprint.generator] += 1
        if fingerprint.kind != COLLECTION:
            yield (fingerprint.kind, place), fingerprint
