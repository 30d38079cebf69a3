"""Series of attempts at one registration: who edits a copy until it is accepted is met before it is. Pure rules.

An attempt is an application or an inquiry that came near a registration of somebody else. A series is some of them in
a while, of which one at least was alike: a search for a copy and two applications with others, say. It changes
nothing of what is refused. But what comes near that registration afterwards, and would be allowed, a person looks at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from countermark.platform.matching.decision import Decision

ATTEMPTS = 3
"""So many make a series."""

WINDOW_MS = 7 * 86_400_000
"""Within so long: a pirate who tries once a day is in no hurry."""


class Degree(StrEnum):
    """How near an attempt came, the nearest first; the last three are different, as far as the gate is concerned."""

    MATCH = "match"
    REVIEW = "review"
    CLOSE = "close"
    LINKED = "linked"  # it resembles what was tried before, and has lost what it was made from
    NEAR = "near"


ALIKE = (Degree.MATCH, Degree.REVIEW)
"""What the gate itself takes for a resemblance."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many attempts there were at a registration in `WINDOW_MS`, and whether one was alike."""

    attempts: int = 0
    alike: bool = False

    @property
    def is_series(self) -> bool:
        """Whether they are a series."""
        return self.attempts >= ATTEMPTS and self.alike


@dataclass(frozen=True, slots=True)
class Tallies:
    """Attempts at a registration: by the applicant and whoever has his sponsor, and by all who have none, as he."""

    own: Tally = Tally()
    strangers: Tally = Tally()


def held(found: Mapping[str, Degree], tallies: Mapping[str, Tallies]) -> list[str]:
    """Return the registrations for whose sake a person has to look at an application that came as near as ``found``.

    Of accounts without a sponsor nobody knows whether they are one person's: what they have tried between them counts
    against any of them only where he comes close.
    """
    alike_or_close = (*ALIKE, Degree.CLOSE)
    return sorted(
        address
        for address, degree in found.items()
        if (by := tallies.get(address)) is not None
        and (by.own.is_series or (by.strangers.is_series and degree in alike_or_close))
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt at a registration.

    ``score`` is the highest of its pairs, 0 to 1, and 0 where none was compared; ``outcome`` what the gate said, ""
    where nobody applied; ``case`` the number of its case.
    """

    account: str
    sponsor: str
    at_ms: int
    kind: str
    degree: Degree
    listing: str
    owner: str
    score: float = field(repr=False)
    outcome: str = ""
    case: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A series at one registration, by one account or by several that have the same sponsor, or none."""

    attempts: tuple[Attempt, ...]
    """In the order of time."""

    @property
    def accounts(self) -> list[str]:
        """Whose attempts they are."""
        return sorted({attempt.account for attempt in self.attempts})

    @property
    def climbing(self) -> bool:
        """Whether the scores fall, by and large, as those of somebody do who edits further and further."""
        # What was known by an earlier attempt alone has no score.
        scores = [attempt.score for attempt in self.attempts if attempt.score > 0]
        steps = list(pairwise(scores))
        falls, rises = sum(after < before for before, after in steps), sum(after > before for before, after in steps)
        return falls > rises and scores[-1] < scores[0]

    @property
    def caught(self) -> bool:
        """Whether a person was to look at one of its applications."""
        return any(attempt.outcome == Decision.UNDER_REVIEW for attempt in self.attempts)

    @property
    def passed(self) -> bool:
        """Whether one of its applications was allowed."""
        return any(attempt.outcome == Decision.ALLOWED for attempt in self.attempts)


def series_of(attempts: Sequence[Attempt]) -> Series | None:
    """Return the attempts at one registration as a series, None if at no time they were one."""
    ordered = sorted(attempts, key=lambda attempt: attempt.at_ms)
    for end, last in enumerate(ordered, start=1):
        recent = [one for one in ordered[:end] if one.at_ms > last.at_ms - WINDOW_MS]
        if Tally(len(recent), any(one.degree in ALIKE for one in recent)).is_series:
            return Series(tuple(ordered))
    return None
