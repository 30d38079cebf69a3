"""Which scores are near a threshold without reaching it: no evidence by themselves, but steps of one who climbs.

By generator, since each has scores of its own. Of `image/v1` strangers mostly score 0.1 to 0.2, one pair in a hundred
above 0.3, while two of three copies that were edited until they count as different keep more than 0.5 (ADR 0029).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from countermark.fingerprint import Comparison


@dataclass(frozen=True, slots=True)
class Floors:
    """The scores from which a pair that is different is near, and close."""

    near: float
    close: float


FLOORS: Final[Mapping[str, Floors]] = {
    "image/v1": Floors(near=0.5, close=0.7),
    "text/v1": Floors(near=0.06, close=0.08),
    "bytes/v1": Floors(near=0.06, close=0.08),
    "table/v1": Floors(near=0.07, close=0.1),
}
"""Of other generators' pairs none is near: with `image/paper-v0` strangers come as near as copies do, and a
collection's items are compared one by one."""


class Near(NamedTuple):
    """How near a pair is that is different; the nearer is the greater."""

    close: bool
    score: float


def nearness(comparison: Comparison) -> Near | None:
    """Return how near two different fingerprints are; None where they are not near, or are more than that."""
    floors = FLOORS.get(comparison.generator)
    if comparison.decision != "different" or floors is None or comparison.score < floors.near:
        return None
    return Near(comparison.score >= floors.close, comparison.score)
