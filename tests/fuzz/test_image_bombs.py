"""A picture takes as much memory as its size allows, and one that is larger is refused by its header alone."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from countermark.fingerprint.image.decode import MAX_PIXELS

ROOT = Path(__file__).resolve().parents[2]
SIDE = int(MAX_PIXELS**0.5)

MEASURE = """
import io
import sys
from countermark.fingerprint import FingerprintError, compute
from tests.fuzz.campaign import peak_bytes
from tests.fuzz.test_image_bombs import png
compute(io.BytesIO(png("RGB", 40)), "image/v1")  # loads all that it takes
start, code = peak_bytes(), "accepted"
try:
    compute(open(sys.argv[1], "rb"), "image/v1")
except FingerprintError as error:
    code = str(error.code)
print(code, peak_bytes() - start)
"""


def png(mode: str, side: int) -> bytes:
    """Return a black square PNG, of bytes that say as little as there is to say."""
    depth, colour, bytes_per_pixel = {"RGB": (8, 2, 3), "RGBA": (8, 6, 4), "L": (8, 0, 1), "I;16": (16, 0, 2)}[mode]
    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    rows = zlib.compressobj(1)
    row = bytes(1 + side * bytes_per_pixel)
    data = b"".join([*(rows.compress(row) for _ in range(side)), rows.flush()])
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def measure(path: Path) -> tuple[str, float]:
    """Return what came of the fingerprint of the picture, and its memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    code, peak = done.stdout.split()
    return code, int(peak) / (1 << 20)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "I;16"])
def test_the_largest_picture_takes_no_more_than_eight_bytes_a_pixel(tmp_path: Path, mode: str) -> None:
    (tmp_path / "largest.png").write_bytes(png(mode, SIDE))
    code, peak_mib = measure(tmp_path / "largest.png")
    assert code == "accepted"
    assert peak_mib < 8 * MAX_PIXELS / (1 << 20)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png("L", 30_000))
    code, peak_mib = measure(tmp_path / "bomb.png")
    assert code == "image_too_large"
    assert peak_mib < 16


def test_a_header_that_promises_more_than_follows_is_refused(tmp_path: Path) -> None:
    whole = png("RGBA", SIDE)
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    code, peak_mib = measure(tmp_path / "cut.png")
    assert code == "not_an_image"
    assert peak_mib < 8 * MAX_PIXELS / (1 << 20)
