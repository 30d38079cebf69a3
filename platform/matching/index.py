"""What of all registered fingerprints is worth comparing with a given one, and how they compare.

PostgreSQL is the truth. In memory are only the generators' indexes, which tell a few candidates among very many; the
candidates' fingerprints are read when they are compared. The index only grows: rows are never changed, and
`item_fingerprints.seq` rises in the order of commits, because the gate draws it under its lock. A registration that
came to nothing, or was erased, stays in it without its fingerprints, so it is like nothing any more; whether an
address counts is asked of the tables each time.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from threading import Lock
from typing import Any

from countermark.fingerprint import Fingerprint, Index, compare_many, index_of
from countermark.platform.matching.likeness import Item, Likeness, Survey, placed
from countermark.platform.matching.nearness import Near, nearness
from countermark.platform.matching.threads import THREADS, batched, in_threads
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, Row, select

_BATCH = 2000
"""Rows decrypted at a time, so that a rebuild holds few sealed bytes at once."""

_AT_ONCE = 8
"""Items whose candidates are read at once, and which one thread compares."""

_MANY = 250
"""Items of which a quick look comes first, where their index knows one.

It misses some of the copies that are hardest to recognise (docs/adr/0028-collections.md). A twentieth of a
collection, about less of which the policy does little, is a dozen of so many items: these are not all missed by
chance. A collection of which one copy is found is looked at as closely as a single thing.
"""

_DOUBTS = 50
"""So is one of which every fiftieth item or more may be a copy."""


@dataclass(slots=True)
class _Shelf:
    """Everything of one generator, in the order of ``seq``: the lists run in parallel with the index' numbers."""

    index: Index
    seqs: list[int] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def take(self, rows: Sequence["_Registered"]) -> None:
        """Take in rows, in their order."""
        # A refresh that failed half-way comes again with rows that are here already, or are so in the lists alone.
        known = len(self.index)
        del self.seqs[known:], self.addresses[known:], self.places[known:]
        new = [row for row in rows if not self.seqs or row.seq > self.seqs[-1]]
        # Before the index: whatever number it tells must be known here.
        self.seqs += [row.seq for row in new]
        self.addresses += [row.address for row in new]
        self.places += [row.place for row in new]
        self.index.add([row.fingerprint for row in new])


@dataclass(frozen=True, slots=True)
class _Registered:
    """A row of `item_fingerprints`, decrypted."""

    seq: int
    address: str
    place: int
    fingerprint: Fingerprint


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
                by_generator: dict[str, list[_Registered]] = {}
                for row in rows:
                    by_generator.setdefault(row.fingerprint.generator, []).append(row)
                for generator, some in by_generator.items():
                    self._shelves.setdefault(generator, _Shelf(index_of(generator))).take(some)
                self._seen = rows[-1].seq
                taken += len(rows)
            return taken

    def survey(
        self,
        items: Sequence[Fingerprint],
        *,
        since: int = 0,
        connection: Connection | None = None,
        quickly: bool = False,
    ) -> Survey:
        """Return what resembles ``items`` among the rows after ``since`` that the index has seen.

        Each item is compared with those of its own generator's fingerprints that the generator's index tells. They
        are read by ``connection``, or else by others that are not held while they are compared; then many items are
        compared some at a time, on several threads. Where ``quickly``, very many are looked at quickly first, and if
        that finds nothing, that is all.
        """
        seen = self._seen
        if since >= seen:
            return Survey(seen)
        surveyed = partial(self._surveyed, seen=seen, since=since, connection=connection)
        placed_items = list(placed(items))
        quickened = [one for one in placed_items if self._quickens(one[1].generator)]
        different = frozenset(item for item, _ in quickened)
        if not quickly or len(different) < _MANY:
            return surveyed(placed_items, quick=False)
        survey = surveyed(placed_items, quick=True)
        return survey.merge(surveyed(quickened, quick=False)) if _telling(survey, different) else survey

    def _quickens(self, generator: str) -> bool:
        shelf = self._shelves.get(generator)
        return shelf is not None and shelf.index.quickens

    def _surveyed(
        self,
        items: Sequence[tuple[Item, Fingerprint]],
        *,
        seen: int,
        since: int,
        connection: Connection | None,
        quick: bool,
    ) -> Survey:
        found: dict[str, Likeness] = {}
        near: dict[str, Near] = {}
        some = partial(self._compared, since=since, connection=connection, quick=quick)
        threads = 1 if connection is not None else THREADS
        # In the items' order, whichever thread was faster.
        for address, likeness in chain.from_iterable(in_threads(some, batched(items, _AT_ONCE), threads)):
            if isinstance(likeness, Near):
                near[address] = max(likeness, near.get(address, likeness))
            else:
                earlier = found.get(address)
                found[address] = likeness if earlier is None else earlier.joined(likeness)
        return Survey(seen, found, near)

    def _compared(
        self, items: Sequence[tuple[Item, Fingerprint]], *, since: int, connection: Connection | None, quick: bool
    ) -> list[tuple[str, Likeness | Near]]:
        """Return the contracts with items like these, or with items that are near them."""
        asked = [(item, fingerprint, self._numbers(fingerprint, since, quick=quick)) for item, fingerprint in items]
        known: Mapping[int, Fingerprint] = {}
        seqs = {self._shelves[one.generator].seqs[number] for _, one, numbers in asked for number in numbers}
        if len(seqs) <= _BATCH:
            known = self._read(seqs, connection)
        return [
            pair
            for item, fingerprint, numbers in asked
            for start in range(0, len(numbers), _BATCH)
            for pair in self._likenesses(item, fingerprint, numbers[start : start + _BATCH], known, connection)
        ]

    def _numbers(self, fingerprint: Fingerprint, since: int, *, quick: bool) -> Sequence[int]:
        """Return the numbers of what is worth comparing with ``fingerprint``, on the shelf of its generator."""
        shelf = self._shelves.get(fingerprint.generator)
        if shelf is None or not shelf.seqs or shelf.seqs[-1] <= since:
            return ()
        return shelf.index.candidates(fingerprint, bisect_right(shelf.seqs, since), quick=quick)

    def _likenesses(
        self,
        item: Item,
        fingerprint: Fingerprint,
        numbers: Sequence[int],
        known: Mapping[int, Fingerprint],
        connection: Connection | None,
    ) -> Iterator[tuple[str, Likeness | Near]]:
        """Yield the contracts of ``numbers`` that are like this item, or near it; what is not ``known`` is read."""
        shelf = self._shelves[fingerprint.generator]
        read = known or self._read([shelf.seqs[number] for number in numbers], connection)
        here = [number for number in numbers if shelf.seqs[number] in read]
        comparisons = compare_many(fingerprint, [read[shelf.seqs[number]] for number in here])
        for number, comparison in zip(here, comparisons, strict=True):
            if comparison.decision == "match":
                pair = (item, (item[0], shelf.places[number]))
                yield shelf.addresses[number], Likeness(True, comparison.score, copies=frozenset({pair}))
            elif comparison.decision == "review":
                yield shelf.addresses[number], Likeness(False, comparison.score, doubted=frozenset({item}))
            elif (near := nearness(comparison)) is not None:
                yield shelf.addresses[number], near

    def _read(self, seqs: Collection[int], connection: Connection | None) -> dict[int, Fingerprint]:
        """Return the fingerprints of the rows with these numbers."""
        if not seqs:
            return {}
        items = tables.item_fingerprints
        query = select(items).where(items.c.seq.in_(seqs))
        if connection is not None:
            rows = connection.execute(query).all()
        else:
            with self._database.begin() as own:
                rows = own.execute(query).all()
        return {row.seq: self._opened(row) for row in rows}

    def _batches(self, connection: Connection) -> Iterator[list[_Registered]]:
        items = tables.item_fingerprints
        while True:
            query = select(items).where(items.c.seq > self._seen).order_by(items.c.seq).limit(_BATCH)
            rows = connection.execute(query).all()
            if rows:
                yield [_Registered(row.seq, row.address, row.item, self._opened(row)) for row in rows]
            if len(rows) < _BATCH:
                return

    def _opened(self, row: Row[Any]) -> Fingerprint:
        context = item_context(row.address, row.item, row.generator)
        return Fingerprint.from_bytes(self._box.open(row.segments, context=context))


def _telling(survey: Survey, items: frozenset[Item]) -> bool:
    """Return whether a quick look at ``items``, and at others closely, found enough to look at all closely."""
    likenesses = survey.likenesses.values()
    doubted = items & frozenset[Item]().union(*(likeness.doubted for likeness in likenesses))
    return any(likeness.sure for likeness in likenesses) or len(doubted) * _DOUBTS >= len(items)


def item_context(address: str, item: int, generator: str) -> str:
    """Return what a sealed item fingerprint is bound to, so that no row's bytes pass for another's."""
    return f"item_fingerprints/{address}/{item}/{generator}"
