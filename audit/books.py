"""What a replay remembers of a ledger: the market's state, the version of every key, the transaction ids used up.

All of it grows with the ledger. `MemoryBooks` keep it in memory; `disk.DiskBooks` keep it in a file.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

Version = tuple[int, int]
"""Number of the block and position of the transaction that wrote a key last."""

Place = tuple[str, str, bytes]
"""Namespace, private collection ("" for public keys), and the key in UTF-8, of a private one its SHA-256."""


class VersionTable(Protocol):
    """The version of every key that there is."""

    def get(self, place: Place) -> Version | None:
        """Return the version of a key, None if there is no such key."""

    def put(self, place: Place, version: Version) -> None:
        """Give a key its version."""

    def drop(self, place: Place) -> None:
        """Forget a key, if it is there."""

    def between(self, namespace: str, start: str, stop: str) -> list[tuple[str, Version]]:
        """Return the public keys from ``start`` on and before ``stop`` ("" for the end), in order."""


class UsedIds(Protocol):
    """Transaction ids."""

    def __contains__(self, tx_id: object, /) -> bool:
        """Return whether ``tx_id`` is among them."""

    def update(self, tx_ids: Iterable[str], /) -> None:
        """Add ``tx_ids``."""


class Books(Protocol):
    """Where a replay keeps what it remembers."""

    @property
    def state(self) -> MutableMapping[str, bytes]:
        """Values of the market's public keys."""

    @property
    def versions(self) -> VersionTable:
        """Versions of all keys of the channel."""

    @property
    def used(self) -> UsedIds:
        """Ids of the transactions in all blocks before the one at hand."""


class MemoryVersions:
    """A `VersionTable` in memory."""

    def __init__(self) -> None:
        self._versions: dict[Place, Version] = {}
        self._keys: dict[str, list[str]] = {}
        """Public keys by namespace, sorted: a range is found in it without a look at all the others."""

    def get(self, place: Place) -> Version | None:
        """See `VersionTable.get`."""
        return self._versions.get(place)

    def put(self, place: Place, version: Version) -> None:
        """See `VersionTable.put`."""
        namespace, collection, key = place
        if not collection and place not in self._versions:
            insort(self._keys.setdefault(namespace, []), key.decode())
        self._versions[place] = version

    def drop(self, place: Place) -> None:
        """See `VersionTable.drop`."""
        namespace, collection, key = place
        if self._versions.pop(place, None) is not None and not collection:
            keys = self._keys[namespace]
            del keys[bisect_left(keys, key.decode())]

    def between(self, namespace: str, start: str, stop: str) -> list[tuple[str, Version]]:
        """See `VersionTable.between`."""
        keys = self._keys.get(namespace, [])
        first = bisect_left(keys, start)
        last = bisect_left(keys, stop) if stop else len(keys)
        return [(key, self._versions[namespace, "", key.encode()]) for key in keys[first:last]]


@dataclass
class MemoryBooks:
    """`Books` in memory: quick, and as large as the ledger's state."""

    state: dict[str, bytes] = field(default_factory=dict)
    versions: MemoryVersions = field(default_factory=MemoryVersions)
    used: set[str] = field(default_factory=set)
