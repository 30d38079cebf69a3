"""Files of no kind but bytes, of the conformance vectors."""

import bz2
import gzip
import hashlib
import lzma
import struct
import zlib


def noise(count: int) -> bytes:
    """Return bytes without a pattern, the same by every version of Python."""
    blocks = (hashlib.sha256(block.to_bytes(4)).digest() for block in range(count // 32 + 1))
    return b"".join(blocks)[:count]


def binaries() -> dict[str, bytes]:
    """Return a file for every rule by which bytes are read."""
    made = noise(6_000)
    records = b"".join(struct.pack("<IHHd", row, row * row % 977, row % 5, row * 0.37) for row in range(400))
    packed = gzip.compress(made[:1_500], mtime=0)
    files = {
        "noise": made,
        "cubes, more than a fine sample holds": lzma.compress(" ".join(str(n**3) for n in range(5_000)).encode()),
        "records": records,
        "four letters": bytes(b"ACGT"[byte % 4] for byte in made[:3_000]),
        "zeros": bytes(2_000),
        "one byte": b"\x01",
        "gzip": gzip.compress(records, mtime=0),
        "gzip of two members, padded": packed + bytes(40) + gzip.compress(made[1_500:3_000], mtime=0) + bytes(9),
        "gzip, cut off": gzip.compress(made, mtime=0)[:4_000],
        "gzip with a wrong checksum": packed[:-8] + bytes(8),
        "gzip, then other bytes": packed + made[3_000:4_000],
        "bzip2": bz2.compress(made[:2_000]),
        "xz": lzma.compress(made[:2_000]),
        "xz with a wrong check": lzma.compress(made[:2_000])[:-40] + bytes(8) + lzma.compress(made[:2_000])[-32:],
        "lzma": lzma.compress(made[:2_000], lzma.FORMAT_ALONE),
        "zlib": zlib.compress(made[:2_000]),
        "zlib, cut off": zlib.compress(made[:2_000])[:-100],
        "gzip in bzip2 in xz": lzma.compress(bz2.compress(packed)),
    }
    return {f"bytes: {name}": data for name, data in files.items()}
