"""Reading a package without keys: its framing and its Merkle root, which is all that a relay can see of it (15)."""

from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO

from countermark.protocol.encoding import as_digest
from countermark.protocol.merkle import Frontier, leaf_hash
from countermark.protocol.packages import layout
from countermark.protocol.packages.header import PackageHeader, PackageSummary
from countermark.protocol.packages.layout import Body, malformed, read_exactly


class PackageReader:
    """Reads a package once from front to end, from any stream, and keeps its Merkle tree's frontier.

    Reading the frames happens at once; `chunks` gives the rest. One chunk is in memory at a time.

    Raises:
        MarketError: PACKAGE_MALFORMED.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._tree = Frontier()
        first = self._read_header()
        second = self._read_wrap()
        self._size = len(first) + len(second)
        self.associated = sha256(first + second).digest()
        """What every chunk authenticates beside itself: the digest of all that precedes the chunks."""
        self._chunks = self._read_chunks()

    header: PackageHeader
    """Whose package it is."""
    wrapped: bytes
    """K and the salts, encrypted to the buyer's one-time key."""
    body: Body
    """How many chunks there are, and how long."""

    def _read_header(self) -> bytes:
        if read_exactly(self._source, len(layout.MAGIC)) != layout.MAGIC:
            raise malformed("the bytes do not begin as a package")
        length = self._read_integer(layout.LENGTH_BYTES)
        if length > layout.MAX_HEADER:
            raise malformed("the header is too long")
        header = read_exactly(self._source, length)
        self.header = PackageHeader.from_bytes(header)
        frame = layout.header_frame(header)
        self._tree.append(leaf_hash(frame))
        return frame

    def _read_wrap(self) -> bytes:
        if self._read_integer(layout.LENGTH_BYTES) != layout.WRAP_BYTES:
            raise malformed("the wrapped key has another length")
        self.wrapped = read_exactly(self._source, layout.WRAP_BYTES)
        self.body = Body.of_length(self._read_integer(layout.SIZE_BYTES))
        frame = layout.wrap_frame(self.wrapped, self.body)
        self._tree.append(leaf_hash(frame))
        return frame

    def _read_integer(self, length: int) -> int:
        return int.from_bytes(read_exactly(self._source, length), "big")

    def _read_chunks(self) -> Iterator[bytes]:
        for number in range(self.body.chunks):
            chunk = read_exactly(self._source, self.body.sealed_length(number))
            self._tree.append(leaf_hash(chunk))
            # Said before the last chunk is handed out: whoever gets it knows that nothing follows.
            if number == self.body.chunks - 1 and self._source.read(1):
                raise malformed("bytes follow the package's end")
            yield chunk

    @property
    def chunks(self) -> Iterator[bytes]:
        """The encrypted chunks, in order; always the same iterator, which goes on where it stopped.

        Raises:
            MarketError: PACKAGE_MALFORMED.
        """
        return self._chunks

    def finish(self) -> PackageSummary:
        """Return the summary of the whole package, reading whatever was not read yet.

        Raises:
            MarketError: PACKAGE_MALFORMED.
        """
        for _ in self._chunks:
            pass
        if self._tree.size != 2 + self.body.chunks:
            raise malformed("the package was given up before its end")
        return PackageSummary(
            header=self.header,
            root=as_digest(self._tree.root()),
            size=self._size + self.body.length,
            chunks=self.body.chunks,
        )


def measure(source: BinaryIO, *, header: PackageHeader | None = None) -> PackageSummary:
    """Return the summary of the package that ``source`` holds from here to its end; needs no key.

    A package whose root is the one of ``trade.send`` is the one that the seller committed to.

    Raises:
        MarketError: PACKAGE_MALFORMED, or PACKAGE_WRONG_TRADE where ``header`` says whose it must be.
    """
    reader = PackageReader(source)
    if header is not None:
        reader.header.check(header)
    return reader.finish()
