"""The candidate search beside faiss's flat index: the same views and corners within the same numbers of bits.

Faiss looks at all of them and leaves nothing out. Its time is that of its two searches alone; ours has the votes and
the ranking as well.
"""

import time
from collections.abc import Sequence

import faiss
import numpy as np

from bench.figures import Figure, note, show
from bench.fingerprint_speed.photographs import ATTACKS, Photographs
from countermark.fingerprint import Fingerprint
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.gallery import Gallery, likeliest
from countermark.fingerprint.image.segment import Query, Ranked, Rows, Segment

COPIES = 24
RULE = V1.candidates


class Flat:
    """Pictures in flat indexes."""

    def __init__(self, first: int, rows: Rows) -> None:
        self.first = first
        self._segment = Segment(first, rows)
        self._views, self._corners = faiss.IndexBinaryFlat(64), faiss.IndexBinaryFlat(128)
        self._views.add(rows.hashes.view(np.uint8).reshape(-1, 8))
        self._corners.add(rows.bits.view(np.uint8).reshape(-1, 16))

    def search(self, query: Query) -> tuple[float, Ranked, Ranked]:
        """Return the seconds of the searches, and what they find by views and by corners."""
        before = time.process_time()
        # Faiss finds what is nearer than the radius.
        views = self._views.range_search(query.hashes.view(np.uint8).reshape(-1, 8), RULE.view_bits + 1)
        corners = self._corners.range_search(query.bits.view(np.uint8).reshape(-1, 16), RULE.corner_bits + 1)
        seconds = time.process_time() - before
        rows = self._segment.rows
        least = np.full(rows.count, RULE.view_bits + 1)
        np.minimum.at(least, rows.hash_rows[views[2]], views[1].astype(np.int64))
        near = np.flatnonzero(least <= RULE.view_bits)
        asked = np.repeat(np.arange(len(query.bits)), np.diff(corners[0].astype(np.int64)))
        voted = self._segment.voted(query, asked, corners[2], corners[1].astype(np.int64), RULE)
        return seconds, (near, least[near]), voted


def searched(flats: Sequence[Flat], fingerprint: Fingerprint) -> tuple[float, list[int]]:
    """Return the seconds of the searches, and the candidates."""
    query = Query.of(fingerprint)
    found = [(flat.first, *flat.search(query)) for flat in flats]
    ways = [[(one[0], one[way]) for one in found] for way in (2, 3)]
    return sum(one[1] for one in found), likeliest(ways, 0, RULE.most)


def compare(gallery: Gallery, parts: Sequence[Rows], photographs: Photographs) -> None:
    """Print how long we and faiss search for copies, and how many of their originals each finds."""
    faiss.omp_set_num_threads(1)
    starts = np.cumsum([0, *(rows.count for rows in parts)])
    flats = [Flat(int(first), rows) for first, rows in zip(starts, parts, strict=False)]
    times: list[tuple[float, float]] = []
    hits: list[tuple[bool, bool]] = []
    for number, copy in enumerate(photographs.copies[:COPIES]):
        before = time.process_time()
        ours = gallery.candidates(copy)
        seconds = time.process_time() - before
        theirs_s, theirs = searched(flats, copy)
        times.append((seconds, theirs_s))
        hits.append((number in ours, number in theirs))
    ours_ms, theirs_ms = (1000 * float(np.median(column)) for column in zip(*times, strict=True))
    show(
        Figure(f"search among {len(gallery):,} against faiss's flat index, one thread", ours_ms / theirs_ms, "×", 1.5)
    )
    note(f"ours {ours_ms:.1f} ms, faiss {theirs_ms:.0f} ms (medians of {len(times)})")
    for place, attack in enumerate(ATTACKS):
        those = hits[place :: len(ATTACKS)]
        ours_hits, theirs_hits = (sum(column) for column in zip(*those, strict=True))
        note(f"originals found of {len(those)} copies, {attack}: {ours_hits} by ours, {theirs_hits} by faiss")
