"""The append-only file of blocks: framed, checksummed, synced to disk record by record.

A record is a header of 16 bytes (magic, length, CRC-32 of the data, CRC-32 of these three) and the data. Only one
record at a time is ever unsynced, so a crash can tear the last record and no other: that one is cut off when the file
is opened. Anything else that does not fit is damage, and the file is refused rather than shortened.
"""

import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from countermark.network.embedded.errors import StorageError

_MAGIC = b"CMB1"
_HEADER = struct.Struct(">4sIII")
_CHECKED = struct.Struct(">4sII")


class Record(NamedTuple):
    """Bytes of one block and where its record stands in the file."""

    offset: int
    end: int
    data: bytes


class BlockFile:
    """The file at `path`, created if it is missing; reading is safe from any thread, appending from one."""

    def __init__(self, path: Path) -> None:
        """Open the file; whoever made it has yet to sync its name, which is in the folder.

        Raises:
            StorageError: It cannot be opened.
        """
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError("blocks_not_opened", f"{path}: {error.strerror}") from error
        self._end = os.fstat(self._descriptor).st_size

    @property
    def end(self) -> int:
        """Size of the file in bytes."""
        return self._end

    def append(self, data: bytes) -> Record:
        """Write `data` as the next record and return when it is on disk.

        Raises:
            StorageError: The disk did not take it; the file is as it was before.
        """
        prefix = _CHECKED.pack(_MAGIC, len(data), zlib.crc32(data))
        record = _HEADER.pack(*_CHECKED.unpack(prefix), zlib.crc32(prefix)) + data
        offset = self._end
        try:
            _write_all(self._descriptor, record, offset)
            os.fdatasync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, offset)
            raise StorageError("block_not_written", str(error.strerror)) from error
        self._end = offset + len(record)
        return Record(offset, self._end, data)

    def read(self, offset: int) -> Record:
        """Return the record at `offset`.

        Raises:
            StorageError: There is no whole record.
        """
        header = os.pread(self._descriptor, _HEADER.size, offset)
        length = _length(header)
        data = b"" if length is None else os.pread(self._descriptor, length, offset + _HEADER.size)
        if length is None or len(data) != length or zlib.crc32(data) != _checksum(header):
            raise StorageError("block_damaged", f"no whole record at byte {offset}")
        return Record(offset, offset + _HEADER.size + length, data)

    def scan(self, offset: int) -> Iterator[Record]:
        """Yield the records from `offset` on; a torn last record is cut off the file.

        Raises:
            StorageError: The file ends before `offset`, or something other than the last record is damaged.
        """
        if offset > self._end:
            raise StorageError(
                "blocks_missing", f"the block file has {self._end} bytes, at least {offset} were written"
            )
        while offset < self._end:
            try:
                record = self.read(offset)
            except StorageError:
                self._cut_torn(offset)
                return
            yield record
            offset = record.end

    def close(self) -> None:
        """Close the file; nothing is left to be written."""
        os.close(self._descriptor)

    def _cut_torn(self, offset: int) -> None:
        header = os.pread(self._descriptor, _HEADER.size, offset)
        length = _length(header)
        if length is not None and offset + _HEADER.size + length < self._end:
            raise StorageError("block_damaged", f"the record at byte {offset} is damaged and others follow")
        if length is None and self._whole_record_after(offset):
            raise StorageError("block_damaged", f"the header at byte {offset} is damaged and whole records follow")
        os.ftruncate(self._descriptor, offset)
        os.fdatasync(self._descriptor)
        self._end = offset

    def _whole_record_after(self, offset: int) -> bool:
        with mmap.mmap(self._descriptor, self._end, access=mmap.ACCESS_READ) as view:
            position = view.find(_MAGIC, offset + 1)
            while position != -1:
                length = _length(view[position : position + _HEADER.size])
                if length is not None and position + _HEADER.size + length <= self._end:
                    return True
                position = view.find(_MAGIC, position + 1)
        return False


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _length(header: bytes) -> int | None:
    """Return the length that an undamaged header states, or `None`."""
    if len(header) != _HEADER.size:
        return None
    magic, length, _, check = _HEADER.unpack(header)
    if magic != _MAGIC or check != zlib.crc32(header[: _CHECKED.size]):
        return None
    return int(length)


def _checksum(header: bytes) -> int:
    return int(_HEADER.unpack(header)[2])
