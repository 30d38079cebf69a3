"""What of all registered fingerprints is worth comparing with a given one, and how they compare.

PostgreSQL is the truth. In memory are only the generators' indexes, which tell a few candidates among very many; the
candidates' fingerprints are read when they are compared. The index only grows: rows are never changed, and
`item_fingerprints.seq` rises in the order of commits, because the gate draws it under its lock. A registration that
came to nothing stays in it; whether an address counts is asked of the tables each time.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from countermark.fingerprint import Fingerprint, Index, compare_many, index_of
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, Row, select

_BATCH = 2000
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
    """Everything of one generator, in the order of ``seq``: the lists run in parallel with the index' numbers."""

    index: Index
    seqs: list[int] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def take(self, rows: Sequence[tuple[int, str, Fingerprint]]) -> None:
        """Take in rows: ``seq``, contract address and fingerprint of each, in their order."""
        # A refresh that failed half-way comes again with rows that are here already, or are so in the lists alone.
        known = len(self.index)
        del self.seqs[known:], self.addresses[known:]
        new = [row for row in rows if not self.seqs or row[0] > self.seqs[-1]]
        # Before the index: whatever number it tells must be known here.
        self.seqs += [seq for seq, _, _ in new]
        self.addresses += [address for _, address, _ in new]
        self.index.add([fingerprint for _, _, fingerprint in new])


class FingerprintIndex:
    """Compares fingerprints with all registered ones of the same generator. May be shared between threads."""

    def __init__(self, box: SecretBox, database: Database) -> None:
        """Create an empty index of the fingerprints in ``database``, which ``box`` has sealed."""
        self._box = box
        self._database = database
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
            for rows in self._batches(connection):
                by_generator: dict[str, list[tuple[int, str, Fingerprint]]] = {}
                for seq, address, fingerprint in rows:
                    by_generator.setdefault(fingerprint.generator, []).append((seq, address, fingerprint))
                for generator, some in by_generator.items():
                    self._shelves.setdefault(generator, _Shelf(index_of(generator))).take(some)
                self._seen = rows[-1][0]
                taken += len(rows)
            return taken

    def survey(self, items: Sequence[Fingerprint], *, since: int = 0, connection: Connection | None = None) -> Survey:
        """Return what resembles ``items`` among the rows after ``since`` that the index has seen.

        Each item is compared with those of its own generator's fingerprints that the generator's index tells; of all
        pairs the strictest decides. They are read by ``connection``, or else by one of its own that is not held
        while they are compared.
        """
        found: dict[str, Likeness] = {}
        seen = self._seen
        for item in items:
            shelf = self._shelves.get(item.generator)
            if shelf is None:
                continue
            numbers = shelf.index.candidates(item, bisect_right(shelf.seqs, since))
            for start in range(0, len(numbers), _BATCH):
                some = numbers[start : start + _BATCH]
                registered = self._read([shelf.seqs[number] for number in some], connection)
                for number, comparison in zip(some, compare_many(item, registered), strict=True):
                    if comparison.decision != "different":
                        address = shelf.addresses[number]
                        likeness = Likeness(comparison.decision == "match", comparison.score)
                        found[address] = _stricter(found.get(address), likeness)
        return Survey(seen, found)

    def _read(self, seqs: Sequence[int], connection: Connection | None) -> list[Fingerprint]:
        """Return the fingerprints of the rows with these numbers, in their order."""
        items = tables.item_fingerprints
        query = select(items).where(items.c.seq.in_(seqs))
        if connection is not None:
            rows = connection.execute(query).all()
        else:
            with self._database.begin() as own:
                rows = own.execute(query).all()
        by_seq = {row.seq: self._opened(row) for row in rows}
        return [by_seq[seq] for seq in seqs]

    def _batches(self, connection: Connection) -> Iterator[list[tuple[int, str, Fingerprint]]]:
        items = tables.item_fingerprints
        while True:
            query = select(items).where(items.c.seq > self._seen).order_by(items.c.seq).limit(_BATCH)
            rows = connection.execute(query).all()
            if rows:
                yield [(row.seq, row.address, self._opened(row)) for row in rows]
            if len(rows) < _BATCH:
                return

    def _opened(self, row: Row[Any]) -> Fingerprint:
        context = item_context(row.address, row.item, row.generator)
        return Fingerprint.from_bytes(self._box.open(row.segments, context=context))


def item_context(address: str, item: int, generator: str) -> str:
    """Return what a sealed item fingerprint is bound to, so that no row's bytes pass for another's."""
    return f"item_fingerprints/{address}/{item}/{generator}"


def _stricter(first: Likeness | None, second: Likeness) -> Likeness:
    if first is None:
        return second
    return max(first, second, key=lambda likeness: (likeness.sure, likeness.score))
