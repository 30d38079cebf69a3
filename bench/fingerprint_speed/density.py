"""How many candidates honest pictures have, in a gallery of real pictures and in others as large."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.figures import note
from bench.fingerprint_speed.photographs import Photographs
from bench.fingerprint_speed.recombined import Mix, Recombined
from countermark.fingerprint import Fingerprint
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.gallery import Gallery
from countermark.fingerprint.image.segment import Rows

ALL = replace(V1.candidates, most=1 << 30)
BY_VIEWS = replace(ALL, votes=1 << 30)
BY_CORNERS = replace(ALL, view_bits=-1)

MIXES = [Mix(photographs, halvings) for photographs in (5, 3, 2) for halvings in (3, 4, 5, 6)]
GALLERIES = 4
"""So many synthetic galleries are averaged, since a few look-alikes of a few pictures are most of the candidates."""


@dataclass(frozen=True)
class Density:
    """Mean numbers of candidates."""

    views: float
    corners: float

    @classmethod
    def of(cls, queries: Sequence[Fingerprint], galleries: Sequence[Rows]) -> "Density":
        """Return those of `queries` in one of `galleries`, on the average."""
        found = []
        for rule in (BY_VIEWS, BY_CORNERS):
            counts = []
            for rows in galleries:
                gallery = Gallery(rule)
                gallery.add_rows(rows)
                counts += [len(gallery.candidates(query)) for query in queries]
            found.append(float(np.mean(counts)))
        return cls(*found)

    def __str__(self) -> str:
        return f"{self.views:.3f} by views, {self.corners:.2f} by corners"


def calibrated(photographs: Photographs) -> Mix:
    """Return how pictures have to be made to have as many candidates among them as among real ones."""
    sources, queries = photographs.sources, photographs.honest
    real = Density.of(queries, [Rows.of(sources)])
    made = Recombined(sources)
    tried = {mix: Density.of(queries, [made.rows(len(sources), mix) for _ in range(GALLERIES)]) for mix in MIXES}
    best = min(tried, key=lambda mix: abs(tried[mix].corners - real.corners))
    note(f"candidates of an honest picture ({len(queries)} of them) among {len(sources)} real ones: {real}")
    note(
        f"among as many made of them: {tried[best]}; corners of {best.photographs} photographs each, "
        f"1/{2**best.halvings} of their unsure bits and 1/64 of the bits of views turned"
    )
    return best
