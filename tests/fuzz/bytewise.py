"""Changes to bytes: what a broken line does, and what a stranger tries who knows that there are lengths."""

from collections.abc import Callable, Sequence
from random import Random

Edit = Callable[[Random, bytes, Sequence[bytes]], bytes]

EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
"""Integers at which readers of lengths, counts and offsets go wrong."""

LONGEST = 1 << 18
"""Bytes up to which an edit may blow an input up."""


def change(random: Random, data: bytes, corpus: Sequence[bytes], *, most: int = 4) -> bytes:
    """Return `data` after one to `most` edits; `corpus` is what pieces are taken from."""
    for _ in range(1 + min(int(random.expovariate(1.2)), most - 1)):
        data = random.choice(_EDITS)(random, data, corpus)
    return data


def _flip(random: Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    if not data:
        return b"\x01"
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _overwrite(random: Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    piece = random.randbytes(random.randint(1, 8))
    return data[:at] + piece + data[at + len(piece) :]


def _number(random: Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Write an integer over some bytes: an edge, or nearly the length of what there is."""
    size = random.choice((1, 2, 4, 8))
    value = random.choice((*EDGES, len(data), len(data) + 1, max(len(data) - 1, 0))) % (1 << 8 * size)
    at = random.randrange(len(data) + 1)
    return data[:at] + value.to_bytes(size, random.choice(("big", "little"))) + data[at + size :]


def _cut(random: Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] if random.random() < 0.7 else data[at:]


def _remove(random: Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    start, stop = _span(random, data)
    return data[:start] + data[stop:]


def _repeat(random: Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    start, stop = _span(random, data)
    piece = data[start:stop]
    times = 1
    if piece and random.random() < 0.05:
        times = max((random.randrange(LONGEST) - len(data)) // len(piece), 1)
    return data[:stop] + piece * times + data[stop:]


def _insert(random: Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.randint(1, 16)) + data[at:]


def _move(random: Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    start, stop = _span(random, data)
    rest = data[:start] + data[stop:]
    at = random.randrange(len(rest) + 1)
    return rest[:at] + data[start:stop] + rest[at:]


def _splice(random: Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Join the head of one valid input to the tail of another, often at the same place."""
    other = random.choice(corpus)
    at = random.randrange(len(data) + 1)
    return data[:at] + other[at if random.random() < 0.5 else random.randrange(len(other) + 1) :]


def _span(random: Random, data: bytes) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(start + 1 + int(random.expovariate(1 / 24)), len(data))


_EDITS: tuple[Edit, ...] = (_flip, _flip, _overwrite, _number, _cut, _remove, _repeat, _insert, _move, _splice)
