import hashlib
import io
import json
import random
import tracemalloc
from pathlib import Path
from typing import BinaryIO

import pytest

from countermark.protocol import ids
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, digest, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import (
    PackageHeader,
    PackageSalts,
    PackageSummary,
    layout,
    measure,
    open_package,
    seal_package,
)
from countermark.protocol.sealed import EncryptionKey

SELLER, BUYER = AccountKey.generate().address, AccountKey.generate().address
LISTING = ids.listing_address(market="m", c_f=digest(b"f"), seller=SELLER, nonce="n")
HEADER = PackageHeader(ids.trade_id(market="m", listing=LISTING, buyer=BUYER, nonce="n"), BUYER, SELLER, LISTING)
KEY = EncryptionKey.generate()
SALTS = PackageSalts(b"f" * 32, b"e" * 32)
CHUNK = layout.CHUNK
VECTOR = Path(__file__).with_name("package_v1.json")


def sealed(data: bytes) -> tuple[bytes, PackageSummary]:
    out = io.BytesIO()
    summary = seal_package(io.BytesIO(data), out, header=HEADER, recipient=KEY.public, salts=SALTS, size=len(data))
    return out.getvalue(), summary


class Dribble(io.RawIOBase):
    """A stream that gives what it likes, as sockets and pipes do."""

    def __init__(self, data: bytes) -> None:
        self._source, self._random = io.BytesIO(data), random.Random(7)

    def read(self, size: int = -1) -> bytes:
        return self._source.read(self._random.randint(1, max(1, size // 3)) if size > 0 else size)


@pytest.mark.requirement("R37")
@pytest.mark.requirement("R42")
@pytest.mark.parametrize(
    "size", [0, 1, 7, 1000, CHUNK - 9, CHUNK - 8, CHUNK - 7, CHUNK, 2 * CHUNK - 8, 2 * CHUNK, 3 * CHUNK + 12345]
)
def test_the_buyer_gets_the_data_and_the_salts(size: int) -> None:
    data = random.Random(size).randbytes(size)
    package, summary = sealed(data)
    out = io.BytesIO()
    salts = open_package(io.BytesIO(package), out, header=HEADER, root=summary.root, key=KEY)
    assert out.getvalue() == data
    assert salts == SALTS


@pytest.mark.requirement("R39")
def test_a_relay_without_keys_measures_what_the_seller_committed_to() -> None:
    package, summary = sealed(random.Random(1).randbytes(2 * CHUNK))
    assert measure(io.BytesIO(package)) == summary
    assert measure(Dribble(package), header=HEADER) == summary  # type: ignore[arg-type]  # has all that is used
    assert (summary.size, summary.header) == (len(package), HEADER)
    assert summary.chunks == 3  # the true size and the padding need a little more than two


def test_a_stream_may_give_its_bytes_as_it_likes() -> None:
    data = random.Random(2).randbytes(CHUNK + 99)
    out, result = io.BytesIO(), io.BytesIO()
    summary = seal_package(
        Dribble(data),  # type: ignore[arg-type]
        out,
        header=HEADER,
        recipient=KEY.public,
        salts=SALTS,
        size=len(data),
    )
    open_package(Dribble(out.getvalue()), result, header=HEADER, root=summary.root, key=KEY)  # type: ignore[arg-type]
    assert result.getvalue() == data


def test_the_size_of_the_package_hides_that_of_the_data() -> None:
    sizes = {len(sealed(bytes(size))[0]) for size in range(100_000, 102_000, 100)}
    assert len(sizes) <= 2


def test_the_same_data_never_gives_the_same_package_twice() -> None:
    assert sealed(b"data")[1].root != sealed(b"data")[1].root


@pytest.mark.parametrize("announced", [3, 5, 0, CHUNK])
def test_data_that_changes_while_it_is_sealed_is_noticed(announced: int) -> None:
    with pytest.raises(MarketError) as refusal:
        seal_package(
            io.BytesIO(b"data"), io.BytesIO(), header=HEADER, recipient=KEY.public, salts=SALTS, size=announced
        )
    assert refusal.value.code is ErrorCode.PACKAGE_MALFORMED


@pytest.mark.parametrize("size", [-1, layout.MAX_DATA + 1])
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(MarketError, match="at most"):
        seal_package(io.BytesIO(), io.BytesIO(), header=HEADER, recipient=KEY.public, salts=SALTS, size=size)


def test_progress_is_told_in_bytes_of_data() -> None:
    data, told = bytes(2 * CHUNK), []
    out = io.BytesIO()
    summary = seal_package(
        io.BytesIO(data),
        out,
        header=HEADER,
        recipient=KEY.public,
        salts=SALTS,
        size=len(data),
        on_progress=lambda done, total: told.append((done, total)),
    )
    opened: list[tuple[int, int]] = []
    out.seek(0)
    open_package(
        out,
        io.BytesIO(),
        header=HEADER,
        root=summary.root,
        key=KEY,
        on_progress=lambda done, total: opened.append((done, total)),
    )
    assert told == opened == [(CHUNK - 8, 2 * CHUNK), (2 * CHUNK - 8, 2 * CHUNK), (2 * CHUNK, 2 * CHUNK)]


def test_reprs_show_no_salt() -> None:
    assert repr(SALTS) == "PackageSalts()"
    with pytest.raises(ValueError, match="32 bytes"):
        PackageSalts(b"", b"e" * 32)


class Zeros(io.RawIOBase):
    """``size`` zero bytes that nobody has to keep."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        given = min(size, self._left)
        self._left -= given
        return bytes(given)


class Discard(io.RawIOBase):
    """Counts what is written."""

    written = 0

    def write(self, data: object) -> int:
        self.written += len(data)  # type: ignore[arg-type]
        return len(data)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [8 * CHUNK, 48 * CHUNK])
def test_memory_is_the_same_for_any_size(size: int, tmp_path: Path) -> None:
    path, discard = tmp_path / "package", Discard()
    source: BinaryIO = Zeros(size)  # type: ignore[assignment]
    tracemalloc.start()
    try:
        with path.open("wb") as out:
            summary = seal_package(source, out, header=HEADER, recipient=KEY.public, salts=SALTS, size=size)
        with path.open("rb") as package:
            assert measure(package).root == summary.root
        with path.open("rb") as package:
            open_package(package, discard, header=HEADER, root=summary.root, key=KEY)  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert discard.written == size
    assert peak < 8 * CHUNK


def test_the_format_is_frozen() -> None:
    """A package sealed when the format was written still opens; a change needs another magic."""
    vector = json.loads(VECTOR.read_text())
    package, out = unb64u(vector["package"]), io.BytesIO()
    salts = open_package(
        io.BytesIO(package),
        out,
        header=PackageHeader(**vector["header"]),
        root=vector["root"],
        key=EncryptionKey.from_bytes(unb64u(vector["key"])),
    )
    assert out.getvalue() == vector["data"].encode()
    assert (b64u(salts.salt_f), b64u(salts.salt_exact)) == (vector["salt_f"], vector["salt_exact"])


class _Stream:
    """So many bytes, each piece of which is another, to be read; and whether what is written are the same."""

    def __init__(self, size: int) -> None:
        self._left, self._read, self._written = size, hashlib.sha256(), hashlib.sha256()
        self._number = 0

    def read(self, size: int = -1) -> bytes:
        count = min(self._left, size if size >= 0 else self._left)
        self._left -= count
        self._number += 1
        data = (hashlib.sha256(str(self._number).encode()).digest() * (count // 32 + 1))[:count]
        self._read.update(data)
        return data

    def write(self, data: bytes) -> int:
        self._written.update(data)
        return len(data)

    @property
    def same(self) -> bool:
        return self._read.digest() == self._written.digest()


@pytest.mark.parametrize("more", [1, (3 << 20) + 5])
def test_data_that_several_chunks_of_padding_follow_come_out_as_they_went_in(tmp_path: Path, more: int) -> None:
    """From 128 MiB on, the padding may be longer than the buffers in which chunks are decrypted in turn."""
    size = (128 << 20) + more
    data, package = _Stream(size), tmp_path / "package"
    with package.open("wb") as out:
        summary = seal_package(
            data,
            out,
            header=HEADER,
            recipient=KEY.public,
            salts=SALTS,
            size=size,  # type: ignore[arg-type]  # of a file, only read() is used
        )
    with package.open("rb") as source:
        open_package(source, data, header=HEADER, root=summary.root, key=KEY)  # type: ignore[arg-type]  # write() alone
    assert data.same
