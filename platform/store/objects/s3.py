"""An object store in a bucket: pieces that never change, and an index in the database (see `ports.ObjectStore`).

A piece goes into the bucket first and into the index afterwards; what is given up leaves the index first and the
bucket afterwards. So the index never names bytes that are not there, and a process that dies leaves at worst pieces
that no index names. They lie below their object's name, and go when it is deleted or its prefix cleared (ADR 0016).
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from itertools import chain

from countermark.platform.store.objects import names
from countermark.platform.store.objects.bucket import Bucket
from countermark.platform.store.objects.index import Growing, Index, Piece, Stored
from countermark.platform.store.objects.regrouping import regrouped
from countermark.protocol.errors import ErrorCode, MarketError

PIECE = 4 << 20
"""Bytes of each piece but an object's last, which is shorter; so much of it is in memory at once."""

_YIELDED = 1 << 20
_LOOKED_UP = 256
"""Pieces that are looked up at once."""

_KEY = re.compile(r".+/([0-9a-f]{32})/[0-9a-f]{16}", re.ASCII)


class S3Store:
    """Objects in `bucket`, as `index` knows them. May be shared between threads and processes."""

    def __init__(self, bucket: Bucket, index: Index) -> None:
        self._bucket = bucket
        self._index = index

    def size(self, name: str) -> int:
        """Return how many bytes are held under `name`, sealed or not; 0 when there are none."""
        stored = self._index.find(names.checked(name))
        return 0 if stored is None else stored.size

    def append(self, name: str, offset: int, data: Iterable[bytes]) -> int:
        """Write `data` from `offset` on and return the new size; what stood behind `offset` is replaced.

        Raises:
            MarketError: UPLOAD_OFFSET when fewer than `offset` bytes are held, WRONG_STATE when it is sealed,
                NOT_FOUND when it is deleted meanwhile, STORE_UNAVAILABLE, DATABASE_UNAVAILABLE; what was written
                until then is kept.
        """
        with self._index.growing(names.checked(name)) as growing:
            if not 0 <= offset <= growing.stored.size:
                raise MarketError(ErrorCode.UPLOAD_OFFSET, f"{growing.stored.size} bytes are held")
            last, given_up = growing.cut(offset)
            # A last piece that is short is written anew with what follows it, so that pieces stay few.
            tail = last if last is not None and last.size < PIECE else None
            start, size, there = tail.start if tail else offset, offset, True
            for group in regrouped(data, first=start + PIECE - offset, each=PIECE):
                size += len(group)
                if not there:
                    continue
                if tail is not None:
                    group = self._bucket.get(_key(growing.stored, tail.token), 0, tail.size) + group
                    given_up.append(tail.token)
                    tail = None
                there = self._add(growing, start, group)
                start = size
            if given_up:
                self._bucket.delete([_key(growing.stored, token) for token in given_up])
            return size

    def seal(self, name: str, size: int) -> None:
        """Make the object of `size` bytes final and durable; to seal it again does nothing.

        Raises:
            MarketError: NOT_FOUND when nothing was uploaded, UPLOAD_OFFSET when it has another size by now,
                STORE_UNAVAILABLE, DATABASE_UNAVAILABLE.
        """
        self._index.seal(names.checked(name), size)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes `start` up to `stop` (exclusive; default the end) of a sealed object, in pieces.

        Raises:
            MarketError: NOT_FOUND when it is not there or not sealed, STORE_UNAVAILABLE, DATABASE_UNAVAILABLE; at
                once, where it is so from the beginning.
        """
        stored = self._index.find(names.checked(name))
        if stored is None or not stored.sealed:
            raise MarketError(ErrorCode.NOT_FOUND, "there is no such object")
        pieces = self._read(stored, start, stored.size if stop is None else min(stop, stored.size))
        # The first is fetched now: that nothing can be read is an answer, and no broken body.
        return chain([next(pieces, b"")] if start < stored.size else (), pieces)

    def probe(self) -> None:
        """Return if the bucket answers.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        self._bucket.probe()

    def delete(self, name: str) -> None:
        """Remove the object; one that is not there is no error.

        Raises:
            MarketError: STORE_UNAVAILABLE, DATABASE_UNAVAILABLE.
        """
        self._index.remove(names.checked(name))
        self._sweep(f"{name}/")

    def clear(self, prefix: str) -> None:
        """Remove every object whose name begins with `prefix` and a slash; that there is none is no error.

        What somebody writes there meanwhile may stay.

        Raises:
            MarketError: STORE_UNAVAILABLE, DATABASE_UNAVAILABLE.
        """
        names.checked(f"{prefix}/x")
        self._index.remove_below(prefix)
        self._sweep(f"{prefix}/")

    def _add(self, growing: Growing, start: int, data: bytes) -> bool:
        """Store the next piece, and return whether the object is still there."""
        token = secrets.token_hex(8)
        key = _key(growing.stored, token)
        self._bucket.put(key, data)
        if growing.record(Piece(start, len(data), token)):
            return True
        self._bucket.delete([key])
        return False

    def _read(self, stored: Stored, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            pieces = self._index.pieces(stored, start, most=_LOOKED_UP)
            if not pieces:
                raise MarketError(ErrorCode.NOT_FOUND, "the object was deleted meanwhile")
            for piece in pieces:
                # Whole, before any of it is handed on: a reader who takes his time keeps no connection waiting.
                first, end = start - piece.start, min(piece.size, stop - piece.start)
                if first >= end:
                    return
                data = self._bucket.get(_key(stored, piece.token), first, end)
                for at in range(0, len(data), _YIELDED):
                    yield data[at : at + _YIELDED]
                start += len(data)

    def _sweep(self, prefix: str) -> None:
        """Remove the pieces below `prefix` of objects that are no more.

        An object is in the index before any of its pieces is in the bucket, and an incarnation that has left the
        index never comes back: whatever is listed, and belongs to none in the index, is needed by nobody.
        """
        for keys in self._bucket.pages(prefix):
            owners = {key: match[1] for key in keys if (match := _KEY.fullmatch(key))}
            living = self._index.living(set(owners.values()))
            self._bucket.delete([key for key, owner in owners.items() if owner not in living])


def _key(stored: Stored, token: str) -> str:
    return f"{stored.name}/{stored.incarnation}/{token}"
