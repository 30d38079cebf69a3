"""What is looked into, and what becomes of a compressed file that is broken, bottomless or none."""

import bz2
import gzip
import io
import lzma
import zlib
from random import Random

import pytest

from countermark.fingerprint import FingerprintError, compare, compute, is_featureless
from countermark.fingerprint.binary import tally

DATA = Random(1).randbytes(60_000) + b"plain words " * 500
ZEROS = bytes(1 << 20)


def fingerprint(data):
    return compute(io.BytesIO(data), "bytes/v1")


def flags(data, *, extra=b"", name=b"", comment=b"", check=False):
    """Return a gzip file with the optional fields of RFC 1952."""
    packed = gzip.compress(data, mtime=0)
    bits = 0x04 * bool(extra) | 0x08 * bool(name) | 0x10 * bool(comment) | 0x02 * check
    fields = len(extra).to_bytes(2, "little") * bool(extra) + extra
    fields += (name + b"\0") * bool(name) + (comment + b"\0") * bool(comment) + b"\x12\x34" * check
    return packed[:3] + bytes([bits]) + packed[4:10] + fields + packed[10:]


def xz(data, **filters):
    return lzma.compress(data, filters=[{"id": lzma.FILTER_LZMA2, "preset": 1, **filters}])


COMPRESSED = {
    "gzip": gzip.compress(DATA),
    "gzip, fastest": gzip.compress(DATA, 1),
    "gzip, stored": gzip.compress(DATA, 0),
    "gzip with a name": flags(DATA, name=b"data.bin"),
    "gzip with all fields": flags(DATA, extra=b"e" * 40_000, name=b"n", comment=b"c" * 30_000, check=True),
    "bzip2": bz2.compress(DATA),
    "bzip2, small blocks": bz2.compress(DATA, 1),
    "xz": lzma.compress(DATA),
    "xz, highest": lzma.compress(DATA, preset=9 | lzma.PRESET_EXTREME),
    "xz without a check": lzma.compress(DATA, check=lzma.CHECK_NONE),
    "xz with a filter": lzma.compress(
        DATA, filters=[{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
    ),
    "lzma": lzma.compress(DATA, lzma.FORMAT_ALONE),
    "zlib": zlib.compress(DATA),
    "members": gzip.compress(DATA[:9]) + gzip.compress(DATA[9:40_000]) + gzip.compress(DATA[40_000:]),
    "members of different forms": bz2.compress(DATA[:30_000]) + bytes(512) + lzma.compress(DATA[30_000:]),
    "three forms within each other": lzma.compress(gzip.compress(bz2.compress(DATA))),
    "padding after the end": gzip.compress(DATA) + bytes(10_000),
}


@pytest.mark.parametrize("form", COMPRESSED)
def test_a_compressed_file_is_what_is_in_it(form):
    outcome = compare(fingerprint(COMPRESSED[form]), fingerprint(DATA))
    assert (outcome.decision, outcome.score) == ("match", 1.0)


BROKEN = {
    "gzip cut off": COMPRESSED["gzip"][:-20_000],
    "gzip without its trailer": COMPRESSED["gzip"][:-8],
    "gzip with a wrong checksum": COMPRESSED["gzip"][:-8] + bytes(8),
    "gzip overwritten": COMPRESSED["gzip"][:40_000] + b"\xff" * 64 + COMPRESSED["gzip"][40_064:],
    "gzip, then bytes that are none": COMPRESSED["gzip"] + b"signed by nobody" * 40,
    "a small gzip, then the data": gzip.compress(b"see below") + DATA,
    "a gzip header, then nothing of the kind": gzip.compress(b"")[:10] + DATA,
    "a gzip header without end": flags(b"", name=b"n")[:11] + DATA.replace(b"\0", b"1") + DATA,
    "bzip2 cut off": bz2.compress(DATA + DATA[::-1], 1)[:-1_000],
    "bzip2 cut off in its first block": COMPRESSED["bzip2"][:-1_000],
    "bzip2 with a wrong check": COMPRESSED["bzip2"][:-3] + bytes(3),
    "xz cut off": COMPRESSED["xz"][:-20_000],
    "xz with a wrong check": COMPRESSED["xz"][:-40] + bytes(8) + COMPRESSED["xz"][-32:],
    "lzma cut off": COMPRESSED["lzma"][:-20_000],
    "zlib cut off": COMPRESSED["zlib"][:-20_000],
    "zlib with a wrong checksum": COMPRESSED["zlib"][:-4] + bytes(4),
    "a first byte that could be zlib's": b"x\x9c" + DATA,
}
ONLY_THE_SAME = {
    "bzip2 cut off in its first block": COMPRESSED["bzip2"],
    "lzma cut off": COMPRESSED["lzma"],
    "zlib cut off": COMPRESSED["zlib"],
    "zlib with a wrong checksum": COMPRESSED["zlib"],
}
"""Taken as they are, since nothing came out, or since their form is not surely told apart from other data."""


@pytest.mark.parametrize("form", BROKEN)
def test_a_broken_one_is_what_came_out_of_it_or_what_it_is(form):
    reference = ONLY_THE_SAME.get(form, DATA)
    assert compare(fingerprint(BROKEN[form]), fingerprint(reference)).decision == "match"


class Slowly(io.BytesIO):
    """Gives a few bytes at once, as a connection does."""

    def read(self, size=-1, /):
        return super().read(min(size, 7_001))


@pytest.mark.parametrize("form", [*COMPRESSED, *BROKEN])
def test_how_a_file_is_read_makes_no_difference(form):
    data = COMPRESSED.get(form) or BROKEN[form]
    assert compute(Slowly(data), "bytes/v1") == fingerprint(data)


def layered(times):
    data = DATA
    for _ in range(times):
        data = gzip.compress(data, 1)
    return data


def bomb(size):
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(ZEROS) for _ in range(size >> 20)) + packer.flush()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(bytes, "empty_file", id="empty"),
        pytest.param(lambda: bomb(200 << 20), "data_too_large", id="gzip bomb"),
        pytest.param(lambda: lzma.compress(bomb(300 << 20)), "data_too_large", id="gzip bomb in xz"),
        pytest.param(lambda: layered(5), "unsupported_format", id="five layers"),
        pytest.param(lambda: xz(DATA, dict_size=96 << 20), "unsupported_format", id="xz with a huge dictionary"),
    ],
)
def test_what_would_take_too_long_or_hide_things_is_refused(make, code):
    with pytest.raises(FingerprintError) as caught:
        fingerprint(make())
    assert caught.value.code == code


def test_four_layers_are_unpacked():
    assert compare(fingerprint(layered(4)), fingerprint(DATA)).score == 1


def test_zeros_are_unpacked_as_far_as_nobody_suffers():
    assert is_featureless(fingerprint(bomb(100 << 20)))


def test_more_than_a_file_may_hold_is_refused_at_any_ratio(monkeypatch):
    monkeypatch.setattr(tally, "MOST_UNPACKED", 50_000)
    with pytest.raises(FingerprintError) as caught:
        fingerprint(gzip.compress(DATA))
    assert caught.value.code == "data_too_large"


@pytest.mark.parametrize(
    "form", ["gzip with all fields", "bzip2", "xz", "lzma", "zlib", "three forms within each other"]
)
def test_damage_anywhere_is_nothing_worse(form):
    random = Random(form)
    for _ in range(25):
        data = bytearray(COMPRESSED[form])
        for _ in range(random.choice((1, 20))):
            data[random.randrange(min(len(data), random.choice((20, 200, 100_000))))] = random.randrange(256)
        try:
            assert fingerprint(bytes(data)) == compute(Slowly(bytes(data)), "bytes/v1")
        except FingerprintError as error:
            assert error.code in {"unsupported_format", "data_too_large"}  # noqa: PT017 - most are not refused
