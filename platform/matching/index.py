"""The fingerprints of all registered items, decoded and in memory, to compare with.

PostgreSQL is the truth and this a copy that only grows: rows are never changed, and `item_fingerprints.seq` rises in
the order of commits, because the gate draws it under its lock. A registration that came to nothing stays in the
copy; whether an address counts is asked of the tables each time.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from countermark.fingerprint import Fingerprint, compare_many
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, select

_BATCH = 500
"""Rows decrypted at a time, so that a rebuild holds few sealed bytes at once."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike a registration and the data at hand are: of all pairs of items the strictest.

    ``sure`` tells a match from the review band; ``score`` (0 to 1) orders answers and is shown to nobody.
    """

    sure: bool
    score: float


@dataclass(frozen=True, slots=True)
class Survey:
    """What a comparison with every registration up to row ``seen`` found, by contract address."""

    seen: int = 0
    likenesses: Mapping[str, Likeness] = field(default_factory=dict)

    def merge(self, later: "Survey") -> "Survey":
        """Return this survey and one of later rows as one."""
        merged = dict(self.likenesses)
        for address, likeness in later.likenesses.items():
            merged[address] = _stricter(merged.get(address), likeness)
        return Survey(max(self.seen, later.seen), merged)


@dataclass(slots=True)
class _Shelf:
    """Everything of one generator, in the order of ``seq``; the three lists run in parallel."""

    seqs: list[int] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    fingerprints: list[Fingerprint] = field(default_factory=list)


class FingerprintIndex:
    """Compares fingerprints with all registered ones of the same generator. May be shared between threads."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box
        self._lock = Lock()
        self._shelves: dict[str, _Shelf] = {}
        self._seen = 0

    @property
    def seen(self) -> int:
        """The last row taken in; what `refresh` has not seen yet is what the index is stale by."""
        return self._seen

    def refresh(self, connection: Connection) -> int:
        """Take in the rows that were committed since, and return how many they were."""
        with self._lock:
            taken = 0
            for seq, address, fingerprint in self._rows(connection):
                shelf = self._shelves.setdefault(fingerprint.generator, _Shelf())
                shelf.seqs.append(seq)
                shelf.addresses.append(address)
                shelf.fingerprints.append(fingerprint)
                self._seen = seq
                taken += 1
            return taken

    def survey(self, items: Sequence[Fingerprint], *, since: int = 0) -> Survey:
        """Return what resembles ``items`` among the rows after ``since`` that the index has seen.

        Each item is compared with its own generator's fingerprints; of all pairs the strictest decides.
        """
        found: dict[str, Likeness] = {}
        with self._lock:
            seen = self._seen
            shelves = {name: _after(shelf, since) for name, shelf in self._shelves.items()}
        for item in items:
            addresses, fingerprints = shelves.get(item.generator, ([], []))
            for address, comparison in zip(addresses, compare_many(item, fingerprints), strict=True):
                if comparison.decision != "different":
                    likeness = Likeness(comparison.decision == "match", comparison.score)
                    found[address] = _stricter(found.get(address), likeness)
        return Survey(seen, found)

    def _rows(self, connection: Connection) -> Iterator[tuple[int, str, Fingerprint]]:
        items = tables.item_fingerprints
        while True:
            query = select(items).where(items.c.seq > self._seen).order_by(items.c.seq).limit(_BATCH)
            rows = connection.execute(query).all()
            for row in rows:
                context = item_context(row.address, row.item, row.generator)
                yield row.seq, row.address, Fingerprint.from_bytes(self._box.open(row.segments, context=context))
            if len(rows) < _BATCH:
                return


def item_context(address: str, item: int, generator: str) -> str:
    """Return what a sealed item fingerprint is bound to, so that no row's bytes pass for another's."""
    return f"item_fingerprints/{address}/{item}/{generator}"


def _after(shelf: _Shelf, since: int) -> tuple[list[str], list[Fingerprint]]:
    start = bisect_right(shelf.seqs, since)
    return shelf.addresses[start:], shelf.fingerprints[start:]


def _stricter(first: Likeness | None, second: Likeness) -> Likeness:
    if first is None:
        return second
    return max(first, second, key=lambda likeness: (likeness.sure, likeness.score))
