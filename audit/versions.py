"""Versions of all keys of a channel, public and hashed private, and whether what was read still stands.

The check is that of Fabric's committing peers: by it a replay knows which endorsed transactions count.
"""

from bisect import bisect_left, insort

from countermark.network.blocks import RangeQuery, ReadWriteSet

Version = tuple[int, int]
_Private = tuple[str, str, bytes]


class Versions:
    """What every key was last written by: number of the block, position of the transaction."""

    def __init__(self) -> None:
        self._public: dict[tuple[str, str], Version] = {}
        self._private: dict[_Private, Version] = {}
        self._keys: dict[str, list[str]] = {}
        """Keys by namespace, sorted: a range is found in it without a look at all the others."""
        self._written: set[tuple[str, str] | _Private] = set()

    def begin_block(self) -> None:
        """Forget what was written in the block before."""
        self._written.clear()

    def current(self, rwset: ReadWriteSet) -> bool:
        """Return whether all that ``rwset`` read is still as it was read."""
        # A key that was written in this block has changed even if it was made and deleted again in the meantime.
        for read in rwset.reads:
            place = (read.namespace, read.key)
            if place in self._written or self._public.get(place) != read.version:
                return False
        for hashes in rwset.private_hashes:
            for hashed in hashes.reads:
                secret = (hashes.namespace, hashes.collection, hashed.key_hash)
                if secret in self._written or self._private.get(secret) != hashed.version:
                    return False
        return all(query.unchanged(self._range(query)) for query in rwset.ranges)

    def write(self, rwset: ReadWriteSet, version: Version) -> None:
        """Give everything that ``rwset`` writes its new version."""
        for write in rwset.writes:
            place = (write.namespace, write.key)
            self._written.add(place)
            keys = self._keys.setdefault(write.namespace, [])
            if write.is_delete:
                if self._public.pop(place, None) is not None:
                    del keys[bisect_left(keys, write.key)]
                continue
            if place not in self._public:
                insort(keys, write.key)
            self._public[place] = version
        for hashes in rwset.private_hashes:
            for private in hashes.writes:
                secret = (hashes.namespace, hashes.collection, private.key_hash)
                self._written.add(secret)
                if private.is_delete or private.is_purge:
                    self._private.pop(secret, None)
                else:
                    self._private[secret] = version

    def _range(self, query: RangeQuery) -> list[tuple[str, Version]]:
        keys = self._keys.get(query.namespace, [])
        start = bisect_left(keys, query.start)
        stop = bisect_left(keys, query.stop) if query.stop else len(keys)
        return [(key, self._public[query.namespace, key]) for key in keys[start:stop]]
