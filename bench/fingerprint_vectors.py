"""Make the files of fingerprint/conformance.json and print it anew.

python -m bench.fingerprint_vectors > fingerprint/conformance.json

Only for a new generator or a new vector: the files of published vectors stay as they are, whatever an encoder would
make of them now.
"""

import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import struct
import sys
import zlib

import numpy as np
from PIL import Image

from countermark.fingerprint import compute, generators
from countermark.fingerprint.conformance import vectors


def draw(width: int, height: int, seed: int, bodies: int = 6) -> np.ndarray:
    """Return a smooth picture with edges: sums of integer waves and some rectangles, the more the smaller."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = []
    for _ in range(3):
        a, b, c = random.integers(1, 9, 3)
        planes.append((a * x * 256 // width + b * y * 256 // height + c * x * y * 64 // (width * height)) // 4 % 256)
    pixels = np.stack(planes, axis=2)
    for _ in range(bodies):
        left, upper = random.integers(0, width // 2), random.integers(0, height // 2)
        if bodies > 6:
            left, upper = random.integers(0, width), random.integers(0, height)
        pixels[upper : upper + height * 3 // (2 * bodies), left : left + width * 6 // (5 * bodies)] = random.integers(
            0, 256, 3
        )
    return pixels.astype(np.uint8)


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def pictures() -> dict[str, bytes]:
    """Return a picture for every decode rule."""
    small = Image.fromarray(draw(60, 44, 1))
    rgba = Image.fromarray(np.dstack([draw(48, 64, 2), draw(48, 64, 3)[:, :, 0]]), "RGBA")
    wide = Image.fromarray(draw(40, 40, 4)[:, :, 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.fromarray(draw(40, 30, seed)).quantize(32) for seed in (5, 6)]
    return {
        "PNG": _saved(small, "PNG"),
        "PNG, transparent": _saved(rgba, "PNG"),
        "PNG, 16 bits of grey": _saved(wide, "PNG"),
        "PNG, palette": _saved(small.quantize(16), "PNG"),
        "JPEG, turned by EXIF": _saved(small, "JPEG", quality=80, exif=exif),
        "JPEG, reduced while decoding": _saved(Image.fromarray(draw(1000, 700, 7)), "JPEG", quality=25),
        "JPEG, grey": _saved(small.convert("L"), "JPEG", quality=60),
        "JPEG, CMYK": _saved(small.convert("CMYK"), "JPEG", quality=60),
        "GIF, two frames": _saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "WebP": _saved(small, "WEBP", quality=60),
        "BMP": _saved(Image.fromarray(draw(24, 20, 8)), "BMP"),
        "JPEG, with corners": _saved(Image.fromarray(draw(640, 480, 9, bodies=60)), "JPEG", quality=60),
        "PNG, tall": _saved(Image.fromarray(draw(90, 420, 10, bodies=30)), "PNG"),
        "TIFF, turned by its tag": _saved(small, "TIFF", compression="tiff_lzw", tiffinfo={0x0112: 8}),
        "PNG, one pixel": _saved(small.crop((0, 0, 1, 1)), "PNG"),
        "PNG, one colour": _saved(Image.new("RGB", (30, 20), (200, 30, 90)), "PNG"),
    }


def _noise(count: int) -> bytes:
    """Return bytes without a pattern, the same by every version of Python."""
    blocks = (hashlib.sha256(block.to_bytes(4)).digest() for block in range(count // 32 + 1))
    return b"".join(blocks)[:count]


def binaries() -> dict[str, bytes]:
    """Return a file for every rule by which bytes are read."""
    noise = _noise(6_000)
    records = b"".join(struct.pack("<IHHd", row, row * row % 977, row % 5, row * 0.37) for row in range(400))
    packed = gzip.compress(noise[:1_500], mtime=0)
    files = {
        "noise": noise,
        "cubes, more than a fine sample holds": lzma.compress(" ".join(str(n**3) for n in range(5_000)).encode()),
        "records": records,
        "four letters": bytes(b"ACGT"[byte % 4] for byte in noise[:3_000]),
        "zeros": bytes(2_000),
        "one byte": b"\x01",
        "gzip": gzip.compress(records, mtime=0),
        "gzip of two members, padded": packed + bytes(40) + gzip.compress(noise[1_500:3_000], mtime=0) + bytes(9),
        "gzip, cut off": gzip.compress(noise, mtime=0)[:4_000],
        "gzip with a wrong checksum": packed[:-8] + bytes(8),
        "gzip, then other bytes": packed + noise[3_000:4_000],
        "bzip2": bz2.compress(noise[:2_000]),
        "xz": lzma.compress(noise[:2_000]),
        "xz with a wrong check": lzma.compress(noise[:2_000])[:-40] + bytes(8) + lzma.compress(noise[:2_000])[-32:],
        "lzma": lzma.compress(noise[:2_000], lzma.FORMAT_ALONE),
        "zlib": zlib.compress(noise[:2_000]),
        "zlib, cut off": zlib.compress(noise[:2_000])[:-100],
        "gzip in bzip2 in xz": lzma.compress(bz2.compress(packed)),
    }
    return {f"bytes: {name}": data for name, data in files.items()}


FILES = {"image": pictures, "bytes": binaries}
"""What makes the files of a kind: those that its generators take."""


def _vector(name: str, data: bytes, kind: str) -> dict[str, object]:
    return {
        "name": name,
        "file": base64.b64encode(data).decode(),
        "fingerprints": {
            generator: hashlib.sha256(compute(io.BytesIO(data), generator).to_bytes()).hexdigest()
            for generator in generators()
            if generator.partition("/")[0] == kind
        },
    }


def main() -> None:
    published = {vector.name: (vector.file, vector.kind) for vector in vectors()}
    made = {name: (data, kind) for kind, files in FILES.items() for name, data in files().items()}
    drawn = [_vector(name, data, kind) for name, (data, kind) in {**published, **made, **published}.items()]
    sys.stdout.write(json.dumps(drawn, indent=1) + "\n")


if __name__ == "__main__":
    main()
