"""A picture takes as much memory as its size allows, and one that is larger is refused by its header alone."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from countermark.fingerprint.image.decode import MAX_PIXELS
from tests.support import picture_files

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


@pytest.mark.parametrize(
    ("form", "options", "bytes_per_pixel"),
    [
        pytest.param("JPEG", {"progressive": True, "subsampling": 0}, 8, id="JPEG that is held as a whole"),
        pytest.param("TIFF", {"compression": "tiff_adobe_deflate", "turned": True}, 12, id="TIFF that is turned"),
        # Its decoder keeps two canvases besides the picture.
        pytest.param("WEBP", {"lossless": True}, 17, id="WebP"),
    ],
)
def test_the_largest_picture_of_other_formats_is_bounded_too(
    tmp_path: Path, form: str, options: dict[str, bool | int | str], bytes_per_pixel: int
) -> None:
    exif = Image.Exif()
    if options.pop("turned", False):
        exif[0x0112] = 6
    Image.new("RGB", (SIDE, SIDE)).save(tmp_path / "largest", form, exif=exif, **options)
    code, peak_mib = measure(tmp_path / "largest")
    assert code == "accepted"
    assert peak_mib < bytes_per_pixel * MAX_PIXELS / (1 << 20)


def _small(kind: bytes, content: bytes, times: int = 1) -> bytes:
    """Return a small PNG with so many chunks besides its pixels."""
    return picture_files.png((8, 8), 8, 0, [bytes(8)] * 8, before=picture_files.png_chunk(kind, content) * times)


def _packed(size: int) -> bytes:
    return b"name\0\0" + zlib.compress(bytes(size))


def _tile() -> bytes:
    no_strips = {"t273": None, "t278": None, "t279": None}
    return picture_files.tiff((8, 8), bytes(64), **no_strips, t322=32_768, t323=32_768, t324=0, t325=999)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "PNG with a text of 64 MiB": (lambda: _small(b"zTXt", _packed(64 << 20)), "accepted"),
    "PNG with a profile of 64 MiB": (lambda: _small(b"iCCP", _packed(64 << 20)), "accepted"),
    "PNG with a million chunks": (lambda: _small(b"tEXt", b"", 1_000_000), "accepted"),
    "GIF frame of 4 gigapixels": (lambda: picture_files.gif((2, 1), (0, 0, 65_535, 65_535)), "image_too_large"),
    "WebP canvas of 4 gigapixels": (
        lambda: picture_files.webp_animation((65_536, 65_535), Image.new("RGB", (8, 8))),
        "image_too_large",
    ),
    "TIFF with a tile of a gigapixel": (_tile, "image_too_large"),
    "TIFF with a strip of 300 MB": (lambda: picture_files.tiff((8, 8), bytes(300_000_000)), "accepted"),
    "TIFF with a strip said to be of 4 GiB": (
        lambda: picture_files.tiff((8, 8), bytes(64), t279=2**32 - 1),
        "not_an_image",
    ),
}


@pytest.mark.parametrize(("make", "expected"), BOMBS.values(), ids=BOMBS.keys())
def test_a_small_file_takes_little_whatever_it_claims(
    tmp_path: Path, make: Callable[[], bytes], expected: str
) -> None:
    data = make()
    (tmp_path / "bomb").write_bytes(data)
    code, peak_mib = measure(tmp_path / "bomb")
    assert code == expected
    # What the file itself takes is read and, of a PNG with other chunks, copied.
    assert peak_mib < 16 + 3 * len(data) / (1 << 20)


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
