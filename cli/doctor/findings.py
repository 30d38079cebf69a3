"""What an examination found: one line for each thing looked at, and what to do where it is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from countermark.protocol.errors import MarketError


class Verdict(StrEnum):
    """How a thing was found."""

    OK = "ok"
    WARNING = "warning"
    """Works, but not as it should."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it was found, and what is to be known of it; holds no secret."""

    subject: str
    verdict: Verdict
    detail: str = ""

    def line(self) -> str:
        """Return the finding for people."""
        return f"{self.verdict:<8} {self.subject}" + (f": {self.detail}" if self.detail else "")


Look = Callable[[], str]
"""Looks at one thing and returns what is to be known of it; raises what it finds wrong."""


class NotAsItShouldError(Exception):
    """The thing works, but not as it should."""


def examine(*looks: tuple[str, Look]) -> Iterator[Finding]:
    """Yield a finding for each (subject, look): one that raises an expected error has found something wrong."""
    for subject, look in looks:
        try:
            yield Finding(subject, Verdict.OK, look())
        except NotAsItShouldError as found:
            yield Finding(subject, Verdict.WARNING, str(found))
        except (MarketError, OSError, ValueError, KeyError) as found:
            yield Finding(subject, Verdict.WRONG, f"{found}" or type(found).__name__)
