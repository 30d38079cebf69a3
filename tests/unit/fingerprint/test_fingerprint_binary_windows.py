import struct
from random import Random

import numpy as np
import pytest

from countermark.fingerprint.binary import LEAST_LEVEL
from countermark.fingerprint.binary.windows import WINDOW_BYTES, Windows
from countermark.fingerprint.sketch.sample import overlap

MOST = 4096
RICH = Random(1).randbytes(400_000)


def sketch_of(data, portions=1 << 20):
    windows = Windows(MOST)
    for start in range(0, len(data), portions):
        windows.add(data[start : start + portions])
    return windows.sketch()


@pytest.mark.parametrize("portions", [1_000, 131_071, 131_072, 131_095, 300_000])
def test_in_which_portions_the_bytes_come_makes_no_difference(portions):
    assert sketch_of(RICH, portions).to_bytes() == sketch_of(RICH).to_bytes()


def test_one_window_of_eight_is_kept_of_a_small_file():
    small = sketch_of(RICH[:20_000])
    assert small.level == LEAST_LEVEL
    assert len(small.hashes) == pytest.approx(20_000 / 8, rel=0.1)


def test_a_large_file_has_a_coarser_sample_of_bounded_size():
    large = sketch_of(RICH)
    assert MOST / 2 <= len(large.hashes) <= MOST
    assert len(large.hashes) << large.level == pytest.approx(len(RICH), rel=0.1)


@pytest.mark.parametrize("shift", range(1, 9))
def test_a_window_is_the_same_wherever_it_stands(shift):
    moved = overlap(sketch_of(RICH[:50_000]), sketch_of(b"x" * shift + RICH[:50_000]))
    assert moved.of_first == 1


def test_a_changed_byte_costs_the_windows_that_hold_it_and_no_other():
    data = RICH[:30_000]
    changed = data[:15_000] + bytes([data[15_000] ^ 1]) + data[15_001:]
    one, other = sketch_of(data), sketch_of(changed)
    assert 0 < len(np.setdiff1d(one.hashes, other.hashes)) <= WINDOW_BYTES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        RICH[: WINDOW_BYTES - 1],
        bytes(100_000),
        b"\xff" * 100_000,
        b"ab" * 50_000,
        b"abc" * 30_000,
        b"\x00\x00\x80\x3f" * 25_000,
        b"\xde\xad\xbe\xef\x01\x02\x03\x04" * 12_000,
        bytes(range(256)) * 400,
        struct.pack("<20000I", *range(20_000)),
        struct.pack(">20000I", *range(5_000, 25_000)),
        struct.pack("<20000Q", *range(0, 320_000, 16)),
        struct.pack("<20000Q", *range(0x7F0000000000, 0x7F0000000000 + 160_000, 8)),
    ],
    ids=[
        "nothing",
        "less than a window",
        "zeros",
        "ones",
        "two bytes",
        "three bytes",
        "the same float",
        "eight bytes",
        "every byte in turn",
        "numbers",
        "numbers, big end first",
        "offsets",
        "addresses",
    ],
)
def test_windows_that_repeat_themselves_or_count_are_left_out(data):
    assert len(sketch_of(data).hashes) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"It was the best of times, it was the worst of times, it was the age of wisdom. " * 2
        + b"There were a king with a large jaw and a queen with a plain face, on the throne of England; " * 2,
        "".join(Random(2).choices("ACGT", k=4_000)).encode(),
        Random(3).randbytes(2_000).hex().encode(),
        b"".join(struct.pack("<If", n, Random(n).random()) for n in range(1_000)),
    ],
    ids=["text", "letters of a genome", "hexadecimal digits", "numbered measurements"],
)
def test_windows_of_few_different_bytes_are_kept_if_they_say_something(data):
    assert len(sketch_of(data).hashes) > 20
