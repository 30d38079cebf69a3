"""What of the data at hand is whose: how much is somebody else's, and how much of his that is. Pure rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from countermark.platform.matching.candidates import Candidate, Offered, Standing
from countermark.platform.matching.likeness import Item, Pair
from countermark.platform.matching.policy import Policy


@dataclass(frozen=True, slots=True)
class Share:
    """How much the data at hand and a registration have in common: for the platform and the supervisor only.

    ``mine`` of the items at hand are copies; ``taken`` are the items, of all its ``items``, that they are copies of.
    """

    address: str
    owner: str
    mine: int
    items: int
    taken: frozenset[Item] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holdings:
    """The data at hand beside every live registration that they resemble, each copy attributed to whom it belongs.

    Attributes:
        offered: The data at hand.
        live: Registrations that count, by address: neither void nor erased by who asks.
        copies: Of each of these, the pairs that count.
        common: Items at hand that so many others have registered that they are nobody's.
        policy: How much is too much.
    """

    offered: Offered
    live: Sequence[Candidate]
    copies: Mapping[str, frozenset[Pair]] = field(repr=False)
    common: frozenset[Item] = field(repr=False)
    policy: Policy

    @classmethod
    def of(cls, offered: Offered, candidates: Iterable[Candidate], policy: Policy) -> "Holdings":
        """Return what of ``offered`` is whose among ``candidates``."""
        live = sorted((c for c in candidates if _lives(c, offered.requester)), key=lambda c: c.address)
        copies = {c.address: _copies(c, offered.items) for c in live}
        # What was split is its parts': who has sold one has nothing of it left, though the split contract is his.
        whole = {mine for c in live if c.standing is not Standing.PARTITIONED for mine, _ in copies[c.address]}
        for c in live:
            if c.standing is Standing.PARTITIONED and not c.exact:
                copies[c.address] = frozenset(pair for pair in copies[c.address] if pair[0] not in whole)
        return cls(offered, live, copies, _common(offered, live, copies, policy), policy)

    @property
    def others(self) -> list[Candidate]:
        """The registrations of others of which something is at hand that is not common."""
        return [c for c in self.live if c.owner != self.offered.requester and self._counted(c)]

    @property
    def own(self) -> list[Candidate]:
        """The requester's own registrations of which more than a trifle is at hand."""
        return [c for c in self.live if c.owner == self.offered.requester and not self._is_trifle(c)]

    @property
    def of_others(self) -> frozenset[Item]:
        """The items at hand that are copies of others' and not common."""
        return frozenset(mine for c in self.others for mine, _ in self._counted(c))

    def share_of(self, candidate: Candidate) -> float:
        """Return how much of a registration is at hand, or in what the requester has registered before, 0 to 1."""
        return len(self._taken(candidate)) / candidate.items

    def is_taken_over(self, candidate: Candidate) -> bool:
        """Return whether so much of a registration is taken that its owner would be sold out."""
        taken = len(self._taken(candidate))
        enough = taken > self.policy.few or taken >= candidate.items
        return enough and self.share_of(candidate) >= self.policy.refuse_share

    def is_same(self, candidate: Candidate) -> bool:
        """Return whether all of the data at hand are all of a registration, but for a few items."""
        mine, theirs = self._sides(candidate)
        same = 1 - self.policy.review_share
        return mine >= same * len(self.offered.items) and theirs >= same * candidate.items

    def shares(self) -> tuple[Share, ...]:
        """Return how much of whose is at hand."""
        return tuple(
            Share(
                c.address, c.owner, self._sides(c)[0], c.items, frozenset(pair[1] for pair in self.copies[c.address])
            )
            for c in self.live
            if self.copies[c.address]
        )

    def _counted(self, candidate: Candidate) -> frozenset[Pair]:
        return frozenset(pair for pair in self.copies[candidate.address] if pair[0] not in self.common)

    def _taken(self, candidate: Candidate) -> frozenset[Item]:
        return candidate.taken | {pair[1] for pair in self._counted(candidate)}

    def _sides(self, candidate: Candidate) -> tuple[int, int]:
        """Return how many items at hand are copies, and of how many of the registration."""
        pairs = self.copies[candidate.address]
        return len({mine for mine, _ in pairs}), len({theirs for _, theirs in pairs})

    def _is_trifle(self, candidate: Candidate) -> bool:
        """Return whether only so little is at hand as two collections of one owner may share, such as a licence."""
        mine, theirs = self._sides(candidate)
        least = self.policy.review_share
        return mine == 0 or (
            mine <= self.policy.few and mine < least * len(self.offered.items) and theirs < least * candidate.items
        )


def _lives(candidate: Candidate, requester: str) -> bool:
    """Return whether a registration stands in anybody's way: not a void one, nor what the requester has erased."""
    given_up = candidate.standing is Standing.ERASED and candidate.owner == requester
    return candidate.standing is not Standing.VOID and not given_up


def _copies(candidate: Candidate, items: frozenset[Item]) -> frozenset[Pair]:
    """Return the pairs of items that are copies; of the same bytes every item is."""
    return candidate.copies | frozenset((item, item) for item in items) if candidate.exact else candidate.copies


def _common(
    offered: Offered, live: Sequence[Candidate], copies: Mapping[str, frozenset[Pair]], policy: Policy
) -> frozenset[Item]:
    if len(offered.items) < policy.least_items:
        return frozenset()
    owners: dict[Item, set[str]] = {}
    for c in live:
        if c.owner != offered.requester:
            for mine, _ in copies[c.address]:
                owners.setdefault(mine, set()).add(c.owner)
    return frozenset(item for item, some in owners.items() if len(some) >= policy.common_owners)
