"""Which processes of a platform are killed at which moments, in an order that a seed gives."""

import random
from dataclasses import dataclass

from countermark.faults import Point
from tests.support.chaos.members import CHAINCODES, NAMES, POSTGRES

LONGEST_WAIT_S = 1.0
"""How long after the trades of its round have begun a kill comes that is at no named moment."""


@dataclass(frozen=True)
class Kill:
    """One `kill -9`.

    At `point`, whoever reaches it dies, or, where there is a `victim`, waits there until that one has died. Without
    a point the `victim` dies `after_s` seconds after the round has begun.
    """

    point: Point | None = None
    victim: str = ""
    after_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.victim or 'whoever is'} {f'at {self.point}' if self.point else 'at random'}"


def plan(kills: int, chance: random.Random) -> list[Kill]:
    """Return at least `kills` kills: in each series every point is reached twice, and every process dies."""
    made: list[Kill] = []
    while len(made) < kills:
        series = [*_series(chance)]
        chance.shuffle(series)
        made += series
    return made


def _series(chance: random.Random) -> list[Kill]:
    """Return kills at each point, kills of others while somebody is held at it, and one of each process at random.

    Who stands before the database is held while the database dies; the peer while a chaincode does.
    """
    peer = [point for point in Point if point.startswith("peer.")]
    chaincode = [point for point in Point if point.startswith("chaincode.")]
    others = {point: CHAINCODES[number % len(CHAINCODES)] for number, point in enumerate(peer)}
    others |= dict.fromkeys(chaincode, "")
    return [
        *(Kill(point) for point in Point),
        *(Kill(point, others.get(point, POSTGRES)) for point in Point),
        *(Kill(victim=name, after_s=chance.uniform(0, LONGEST_WAIT_S)) for name in NAMES),
    ]
