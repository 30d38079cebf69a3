"""What became of the requests of a run."""

from collections import Counter
from dataclasses import dataclass, field

EARLY = frozenset({400, 401, 404, 405, 413, 415, 422})
"""Answers with which a request has, or may have, failed before anybody looked at what it asks for."""


@dataclass
class Tally:
    """Answers of one operation by status, and what was wrong with them, each kind of failure once."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many requests there were."""
        return self.statuses.total()

    @property
    def passed(self) -> int:
        """How many have certainly passed authentication and parsing."""
        return sum(count for status, count in self.statuses.items() if status not in EARLY)

    @property
    def succeeded(self) -> int:
        """How many had the answer that their sender wanted."""
        return sum(count for status, count in self.statuses.items() if status < 300)
