"""Whether what a transaction read still stands, by the versions of all keys of a channel, public and hashed private.

The check is that of Fabric's committing peers: by it a replay knows which endorsed transactions count.
"""

from countermark.audit.books import MemoryVersions, Place, Version, VersionTable
from countermark.network.blocks import ReadWriteSet


class Versions:
    """What every key was last written by, kept in ``table``."""

    def __init__(self, table: VersionTable | None = None) -> None:
        self._table = MemoryVersions() if table is None else table
        self._written: set[Place] = set()

    def begin_block(self) -> None:
        """Forget what was written in the block before."""
        self._written.clear()

    def current(self, rwset: ReadWriteSet) -> bool:
        """Return whether all that ``rwset`` read is still as it was read."""
        # A key that was written in this block has changed even if it was made and deleted again in the meantime.
        for read in rwset.reads:
            place = (read.namespace, "", read.key.encode())
            if place in self._written or self._table.get(place) != read.version:
                return False
        for hashes in rwset.private_hashes:
            for hashed in hashes.reads:
                secret = (hashes.namespace, hashes.collection, hashed.key_hash)
                if secret in self._written or self._table.get(secret) != hashed.version:
                    return False
        return all(
            query.unchanged(self._table.between(query.namespace, query.start, query.stop)) for query in rwset.ranges
        )

    def write(self, rwset: ReadWriteSet, version: Version) -> None:
        """Give everything that ``rwset`` writes its new version."""
        for write in rwset.writes:
            self._note((write.namespace, "", write.key.encode()), None if write.is_delete else version)
        for hashes in rwset.private_hashes:
            for private in hashes.writes:
                gone = private.is_delete or private.is_purge
                self._note((hashes.namespace, hashes.collection, private.key_hash), None if gone else version)

    def _note(self, place: Place, version: Version | None) -> None:
        self._written.add(place)
        if version is None:
            self._table.drop(place)
        else:
            self._table.put(place, version)
