"""Files of many kinds, made from a seed: no two have anything in common but what their format prescribes."""

import gzip
import io
import math
import pickle
import sqlite3
import struct
import tarfile
import wave
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

__all__ = ["KINDS", "made_files"]

Maker = Callable[[Random, int], bytes]

_SYLLABLES: Final = [
    first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u", "an", "el", "or")
]


def made_files(count: int, *, seed: int = 0, least: int = 8_000, most: int = 200_000) -> list[bytes]:
    """Return `count` files of all kinds in turn, of about `least` to `most` bytes."""
    makers = list(KINDS.values())
    files = []
    for number in range(count):
        random = Random(f"{seed} {number}")  # noqa: S311 - data, not secrets
        size = round(math.exp(random.uniform(math.log(least), math.log(most))))
        files.append(makers[number % len(makers)](random, size))
    return files


def _word(random: Random) -> str:
    return "".join(random.choices(_SYLLABLES, k=random.randint(2, 4)))


def _words(random: Random, size: int) -> str:
    vocabulary = [_word(random) for _ in range(400)]
    return " ".join(random.choices(vocabulary, k=size // 7))


def _numpy(random: Random) -> np.random.Generator:
    return np.random.default_rng(random.getrandbits(64))


def _records(random: Random, size: int) -> bytes:
    """Return records as a program in C writes them: a number, a time, an amount, a class and flags."""
    time, amount = random.randrange(1 << 30), random.random() * 1000
    rows = []
    for number in range(size // 24):
        time += random.randrange(1, 90)
        amount += random.gauss(0, 1)
        rows.append(struct.pack("<IIdHHI", number, time, amount, random.randrange(12), random.randrange(4), 0))
    return b"RECS" + struct.pack("<II", 1, len(rows)) + b"".join(rows)


def _sound(random: Random, size: int) -> bytes:
    """Return a WAV file: three tones that come and go, and some noise."""
    draw = _numpy(random)
    at = np.arange(size // 2) / 16_000
    tones = sum(
        np.sin(2 * np.pi * draw.uniform(80, 2_000) * at + draw.uniform(0, 6)) * (1 + np.sin(draw.uniform(1, 9) * at))
        for _ in range(3)
    )
    samples = (tones * 3_000 + draw.normal(0, 30, len(at))).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def _database(random: Random, size: int) -> bytes:
    """Return an SQLite database with two tables."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "made.db")
        connection = sqlite3.connect(path)
        connection.execute("create table customers (id integer primary key, name text, city text, balance real)")
        connection.execute("create table orders (id integer primary key, customer integer, at integer, note text)")
        rows = size // 90
        names = [_word(random) for _ in range(200)]
        connection.executemany(
            "insert into customers values (?, ?, ?, ?)",
            [(n, random.choice(names), random.choice(names), round(random.gauss(50, 90), 2)) for n in range(rows)],
        )
        connection.executemany(
            "insert into orders values (?, ?, ?, ?)",
            [
                (n, random.randrange(rows), random.randrange(1 << 31), " ".join(random.choices(names, k=3)))
                for n in range(rows)
            ],
        )
        connection.commit()
        connection.close()
        return path.read_bytes()


def _pickle(random: Random, size: int) -> bytes:
    """Return a pickle of dictionaries."""
    rows = [
        {"id": n, "name": _word(random), "score": random.random(), "tags": [_word(random), _word(random)]}
        for n in range(size // 50)
    ]
    return pickle.dumps(rows, protocol=4)


def _tar(random: Random, size: int) -> bytes:
    """Return a tar archive of a few files of words and of bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for number in range(4):
            part = size // 4
            data = _words(random, part).encode() if number % 2 else random.randbytes(part)
            entry = tarfile.TarInfo(f"data/{_word(random)}.{number}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _walk(random: Random, size: int) -> bytes:
    """Return an array of numpy: a random walk of 32-bit floats."""
    buffer = io.BytesIO()
    np.save(buffer, np.cumsum(_numpy(random).normal(0, 1, size // 4)).astype("<f4"))
    return buffer.getvalue()


def _log(random: Random, size: int) -> bytes:
    """Return a compressed log."""
    lines = []
    hosts = [f"{_word(random)}.{_word(random)}" for _ in range(40)]
    time = random.randrange(1 << 30)
    for _ in range(size // 25):
        time += random.randrange(20)
        request = f"/{random.choice(hosts)}/{random.randrange(10**6)}"
        lines.append(f"{time} {random.choice(hosts)} GET {request} {random.choice((200, 301, 404))}\n")
    return gzip.compress("".join(lines).encode(), mtime=0)


def _genome(random: Random, size: int) -> bytes:
    """Return letters of four kinds, 60 a line."""
    letters = "".join(random.choices("ACGT", k=size))
    return (f">{_word(random)}\n" + "\n".join(letters[at : at + 60] for at in range(0, size, 60))).encode()


def _mesh(random: Random, size: int) -> bytes:
    """Return a binary STL file: triangles of a bumpy surface."""
    draw = _numpy(random)
    count = size // 50
    vertices = np.cumsum(draw.normal(0, 1, (count, 3, 3)), axis=0).astype("<f4")
    triangles = np.zeros(count, np.dtype([("normal", "<f4", 3), ("vertices", "<f4", (3, 3)), ("attribute", "<u2")]))
    triangles["vertices"] = vertices
    triangles["normal"] = np.cross(vertices[:, 1] - vertices[:, 0], vertices[:, 2] - vertices[:, 0])
    return b"made".ljust(80) + struct.pack("<I", count) + triangles.tobytes()


def _zip(random: Random, size: int) -> bytes:
    """Return a zip archive of three files of words."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for _ in range(3):
            archive.writestr(zipfile.ZipInfo(f"{_word(random)}.txt"), _words(random, size), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _png(random: Random, size: int) -> bytes:
    """Return a noisy grey PNG."""
    side = max(math.isqrt(size), 16)
    draw = _numpy(random)
    y, x = np.mgrid[:side, :side]
    smooth = 90 + 60 * np.sin(x * draw.uniform(0.01, 0.1)) + 60 * np.cos(y * draw.uniform(0.01, 0.1))
    pixels = (smooth + draw.normal(0, 3, (side, side))).clip(0, 255).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _sparse(random: Random, size: int) -> bytes:
    """Return a file that is mostly empty, like the image of a disk."""
    data = bytearray()
    for _ in range(max(size // 2048, 1)):
        before = 512 * random.randrange(12)
        data += bytes(before) + random.randbytes(2048) + bytes(512 * 12 - before)
    return bytes(data)


def _messages(random: Random, size: int) -> bytes:
    """Return messages with tags and lengths, as protocol buffers have them."""
    names = [_word(random).encode() for _ in range(100)]
    parts = []
    for _ in range(size // 40):
        name, key = random.choice(names), random.randbytes(16)
        body = b"\x0a" + bytes([len(name)]) + name + b"\x12\x10" + key + b"\x19" + struct.pack("<d", random.random())
        parts.append(b"\x0a" + bytes([len(body)]) + body)
    return b"".join(parts)


KINDS: Final[dict[str, Maker]] = {
    "records": _records,
    "sound": _sound,
    "SQLite": _database,
    "pickle": _pickle,
    "tar": _tar,
    "numpy": _walk,
    "log.gz": _log,
    "genome": _genome,
    "mesh": _mesh,
    "zip": _zip,
    "PNG": _png,
    "sparse": _sparse,
    "messages": _messages,
}
"""What makes a file of about so many bytes, by the kind's name."""
