"""Which earlier attempts the data at hand resemble: a copy of a copy may have lost all that the first one had.

Whoever edits step by step changes little at each step, so that every copy is known by the one before, even when the
next edit ruins what the registration itself would be known by. Only what an account in a series has tried is compared
with, so nobody else waits for it.
"""

from collections.abc import Collection, Sequence

from countermark.fingerprint import Fingerprint, compare_many, index_of
from countermark.platform.matching.likeness import placed
from countermark.platform.matching.probes import Probes
from countermark.platform.store.engine import Database

_BATCH = 8


class Links:
    """Compares with earlier attempts. May be shared between threads."""

    def __init__(self, database: Database, probes: Probes) -> None:
        """``probes`` are kept in ``database``."""
        self._database = database
        self._probes = probes

    def find(self, account: str, sponsor: str, items: Sequence[Fingerprint], *, now_ms: int) -> frozenset[str]:
        """Return the registrations at which attempts were made, in a series of one's own, that ``items`` resemble."""
        with self._database.begin() as connection:
            earlier = self._probes.earlier(connection, account, sponsor, now_ms=now_ms)
        found: set[str] = set()
        for generator in {fingerprint.generator for _, fingerprint in earlier}:
            tried = [(address, one) for address, one in earlier if one.generator == generator]
            index = index_of(generator)
            index.add([one for _, one in tried])
            for _, item in placed(items):
                if item.generator == generator:
                    found |= _alike(item, [tried[number] for number in sorted(index.candidates(item, 0))], found)
        return frozenset(found)


def _alike(item: Fingerprint, tried: Sequence[tuple[str, Fingerprint]], known: Collection[str]) -> set[str]:
    """Return the registrations, other than ``known`` ones, at which something like ``item`` was tried."""
    found: set[str] = set()
    for start in range(0, len(tried), _BATCH):
        # Mostly one of the first is alike, and one is enough.
        some = [one for one in tried[start : start + _BATCH] if one[0] not in found and one[0] not in known]
        comparisons = compare_many(item, [one for _, one in some])
        found |= {
            address
            for (address, _), comparison in zip(some, comparisons, strict=True)
            if comparison.decision != "different"
        }
    return found
