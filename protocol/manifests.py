"""The manifest of a collection: names, sizes and digests of its files; its root stands for the bytes (A-09).

The root is that of an RFC 6962 tree whose leaves are the files in the order of their names' bytes. So it is the same
for a folder and for any archive of it, and one file can be proven to belong to a collection.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from countermark.protocol import canonical, merkle
from countermark.protocol.encoding import as_digest


@dataclass(frozen=True, slots=True)
class File:
    """A file of a collection: its path with ``/`` between the parts, its size in bytes, its SHA-256, 32 bytes."""

    name: str
    size: int
    digest: bytes

    def leaf(self) -> bytes:
        """Return the canonical JSON that the file's leaf holds."""
        return canonical.dumps({"digest": as_digest(self.digest), "name": self.name, "size": self.size})


def manifest_root(files: Iterable[File]) -> bytes:
    """Return the root over ``files``, 32 bytes; the order in which they come does not matter."""
    ordered = sorted(files, key=lambda file: file.name.encode())
    return merkle.root(merkle.leaf_hash(file.leaf()) for file in ordered)
