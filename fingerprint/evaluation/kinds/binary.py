"""Attacks on files of any kind, as ``bytes/v1`` meets them."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Final

from countermark.fingerprint.evaluation.kinds.attack import Attack, Edit

__all__ = ["ATTACKS"]

_KIB: Final = 1024

Pack = Callable[[bytes], bytes]


def _flipped(rate: float) -> Edit:
    """Return what flips single bits, `rate` of them per KiB."""

    def edit(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
        copy = bytearray(data)
        for _flip in range(round(len(data) * rate / _KIB)):
            copy[random.randrange(len(copy))] ^= 1 << random.randrange(8)
        return bytes(copy)

    return edit


def _overwritten(rate: float, longest: int) -> Edit:
    """Return what overwrites up to `longest` bytes in a row, `rate` times per KiB."""

    def edit(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
        copy = bytearray(data)
        for _time in range(round(len(data) * rate / _KIB)):
            at = random.randrange(len(copy))
            noise = random.randbytes(min(random.randint(1, longest), len(copy) - at))
            copy[at : at + len(noise)] = noise
        return bytes(copy)

    return edit


def _cuts(data: bytes, random: Random, count: int) -> list[bytes]:
    places = sorted({random.randrange(len(data)) for _ in range(count)} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


def _inserted(rate: float, longest: int) -> Edit:
    """Return what inserts up to `longest` bytes, `rate` times per KiB."""

    def edit(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
        parts = _cuts(data, random, round(len(data) * rate / _KIB))
        return b"".join(part + random.randbytes(random.randint(1, longest)) for part in parts)

    return edit


def _deleted(rate: float, longest: int) -> Edit:
    """Return what deletes up to `longest` bytes, `rate` times per KiB."""

    def edit(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
        parts = _cuts(data, random, round(len(data) * rate / _KIB))
        return b"".join(part[random.randint(1, longest) :] for part in parts)

    return edit


def _strange(random: Random, others: Sequence[bytes], size: int) -> bytes:
    """Return `size` bytes of others' files, and if these do not suffice random bytes."""
    parts, missing = [], size
    for other in random.sample(others, len(others)):
        parts.append(other[:missing])
        missing -= len(parts[-1])
    return b"".join([*parts, random.randbytes(missing)])


def _between(before: float, after: float) -> Edit:
    """Return what puts others' bytes around a file, as multiples of its size."""

    def edit(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
        first = _strange(random, others, round(len(data) * before))
        return first + data + _strange(random, others, round(len(data) * after))

    return edit


def _in_the_middle(share: float) -> Edit:
    """Return what inserts others' bytes at one place, a `share` of the file's size."""

    def edit(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
        at = random.randrange(len(data))
        return data[:at] + _strange(random, others, round(len(data) * share)) + data[at:]

    return edit


def _excerpt(start: float, end: float) -> Edit:
    """Return what keeps a part, from one share of the file's length to another."""
    return lambda data, _random, _others: data[round(len(data) * start) : round(len(data) * end)]


def _reordered(block: int) -> Edit:
    """Return what shuffles blocks of so many bytes."""

    def edit(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
        blocks = [data[at : at + block] for at in range(0, len(data), block)]
        random.shuffle(blocks)
        return b"".join(blocks)

    return edit


def _padded(every: int, zeros: int) -> Edit:
    """Return what puts `zeros` after each `every` bytes."""
    return lambda data, _random, _others: b"".join(
        data[at : at + every] + bytes(zeros) for at in range(0, len(data), every)
    )


def _packed(*packs: Pack) -> Edit:
    """Return what compresses by one after the other."""

    def edit(data: bytes, _: Random, __: Sequence[bytes]) -> bytes:
        for pack in packs:
            data = pack(data)
        return data

    return edit


def _repacked(pack: Pack) -> Edit:
    """Return what compresses a file anew if it is a gzip file, and else compresses it."""
    return lambda data, _random, _others: pack(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def _after(*edits: Edit) -> Edit:
    """Return what does one after the other."""

    def edit(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
        for one in edits:
            data = one(data, random, others)
        return data

    return edit


def _gzip(level: int) -> Pack:
    return lambda data: gzip.compress(data, level, mtime=0)


def _alone(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


def _members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half], mtime=0) + bytes(512) + gzip.compress(data[half:], mtime=0)


def _wrong_checksum(data: bytes) -> bytes:
    packed = gzip.compress(data, mtime=0)
    return packed[:-8] + bytes(byte ^ 0xFF for byte in packed[-8:])


def _cut_off(data: bytes) -> bytes:
    packed = gzip.compress(data, mtime=0)
    return packed[: len(packed) * 3 // 4]


def _both(
    name: str, of: Callable[[float], Edit], calibrating: Sequence[float], held_back: Sequence[float]
) -> list[Attack]:
    """Return an attack at several strengths, of which `name` tells the strength by ``{}``."""
    return [
        Attack(name.format(f"{strength:g}"), of(strength), strength in held_back)
        for strength in sorted({*calibrating, *held_back})
    ]


def _packs(held_back: bool, packs: dict[str, Edit]) -> list[Attack]:
    return [Attack(name, edit, held_back) for name, edit in packs.items()]


ATTACKS: Final = (
    *_both("bits flipped, {} per KiB", _flipped, (2, 16), (8, 32)),
    *_both("up to 8 bytes overwritten, {} times per KiB", lambda rate: _overwritten(rate, 8), (2, 12), (6, 20)),
    *_both("up to 8 bytes inserted, {} times per KiB", lambda rate: _inserted(rate, 8), (2, 16), (8, 32)),
    *_both("up to 8 bytes deleted, {} times per KiB", lambda rate: _deleted(rate, 8), (2, 12), (6, 20)),
    *_both("others' data at the start, {} of its size", lambda share: _between(share, 0), (0.1, 3), (1, 10)),
    *_both("others' data at the end, {} of its size", lambda share: _between(0, share), (0.1, 3), (1, 10)),
    *_both("others' data in the middle, {} of its size", _in_the_middle, (0.1, 3), (1, 10)),
    *_both("within others' data, {} of its size", lambda share: _between(share / 2, share / 2), (5, 40), (15, 30)),
    *_both("only the first {} of it", lambda share: _excerpt(0, share), (0.7, 0.25), (0.5, 0.15)),
    *_both("only the last {} of it", lambda share: _excerpt(1 - share, 1), (0.7, 0.25), (0.5, 0.15)),
    *_both(
        "only the middle {} of it", lambda share: _excerpt(0.5 - share / 2, 0.5 + share / 2), (0.6, 0.2), (0.4, 0.12)
    ),
    *_both("blocks of {} bytes shuffled", lambda size: _reordered(int(size)), (4096, 256), (1024, 64)),
    *_both("a KiB of zeros after each {} bytes", lambda every: _padded(int(every), 1024), (4096, 128), (512, 80)),
    *_packs(
        False,
        {
            "gzip": _packed(_gzip(6)),
            "bzip2": _packed(bz2.compress),
            "zlib": _packed(zlib.compress),
            "gzip in xz": _packed(_gzip(9), lzma.compress),
            "compressed anew as xz": _repacked(lzma.compress),
            "gzip with a wrong checksum": _packed(_wrong_checksum),
        },
    ),
    *_packs(
        True,
        {
            "gzip, fastest": _packed(_gzip(1)),
            "xz": _packed(lzma.compress),
            "lzma": _packed(_alone),
            "bzip2 in gzip in xz": _packed(bz2.compress, _gzip(6), lzma.compress),
            "compressed anew as bzip2": _repacked(bz2.compress),
            "gzip of two members": _packed(_members),
            "gzip, cut off": _packed(_cut_off),
        },
    ),
    Attack("half of it, bits flipped, gzip", _after(_excerpt(0.3, 0.8), _flipped(8), _packed(_gzip(6))), False),
    Attack(
        "a third, bytes inserted, xz", _after(_excerpt(0.6, 0.93), _inserted(12, 8), _packed(lzma.compress)), True
    ),
    Attack("shuffled within others' data", _after(_reordered(512), _between(1, 3)), False),
    Attack(
        "half, shuffled, within others' data, gzip",
        _after(_excerpt(0, 0.5), _reordered(300), _between(4, 2), _packed(_gzip(6))),
        True,
    ),
)
"""What somebody does to a file to sell it as his own. Encrypting it, exchanging the bytes of each number and writing
its numbers or sounds anew are not among them: these leave no bytes in common, and ``bytes/v1`` does not find them."""
