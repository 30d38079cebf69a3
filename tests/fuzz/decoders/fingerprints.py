"""Fingerprints, as the gate reads and compares them."""

import io
import struct
from random import Random

from countermark import fingerprint
from countermark.fingerprint import Fingerprint, FingerprintError, Segment
from countermark.fingerprint.evaluation.kinds.made_tables import made_table
from countermark.fingerprint.evaluation.kinds.prose import Subject, prose
from countermark.fingerprint.registry import implementation_of
from tests.fuzz import bytewise
from tests.fuzz.decoder import Decoder
from tests.support.pictures import fingerprint as fingerprint_of
from tests.support.pictures import photo


def _write(generator: bytes, segments: list[tuple[bytes, bytes]], count: int) -> bytes:
    """Return the bytes of a fingerprint of any segments whatever."""
    parts = [b"CMFP\x01", bytes([len(generator) % 256]), generator, bytes([count % 256])]
    for name, payload in segments:
        parts += [bytes([len(name) % 256]), name, struct.pack(">I", len(payload)), payload]
    return b"".join(parts)


def _change(random: Random, good: list[Fingerprint]) -> bytes:
    chosen = random.choice(good)
    generator = chosen.generator.encode()
    segments = [(segment.name.encode(), segment.payload) for segment in chosen.segments]
    others = [(one.name.encode(), one.payload) for one in random.choice(good).segments]
    count = len(segments)
    for _ in range(random.randint(1, 2)):
        at = random.randrange(len(segments))
        name, payload = segments[at]
        what = random.randrange(7)
        if what == 0:
            segments[at] = (name, bytewise.change(random, payload or b"\0", [payload, others[0][1]]))
        elif what == 1:
            segments[at] = (name, random.randbytes(len(payload)))
        elif what == 2:
            segments[at] = random.choice(others)
        elif what == 3:
            segments.insert(at, random.choice(segments))
        elif what == 4:
            random.shuffle(segments)
        elif what == 5:
            count = random.choice((0, 1, count + 1, 255))
        else:
            generator = random.choice((b"image/v1", b"image/paper-v0", b"text/v1", b"", b"\xff/\xff", b"i" * 255))
    return _write(generator, segments, count)


def decoder() -> Decoder:
    """Return the decoder of fingerprints of every generator that there is."""
    good = [
        fingerprint_of(photo(name), generator=generator)
        for name in ("coffee", "rocket")
        for generator in fingerprint.generators()
        if generator.startswith("image/")
    ]
    good += [
        fingerprint.compute(io.BytesIO(prose(Subject(seed), seed, words).encode()), generator)
        for seed, words in ((1, 20), (2, 400), (3, 2_500))
        for generator in fingerprint.generators()
        if generator.startswith("text/")
    ]
    good += [
        fingerprint.compute(io.BytesIO(made_table(family, 1, rows)), generator)
        for family, rows in (("shop", 60), ("survey", 90), ("geodata", 700))
        for generator in fingerprint.generators()
        if generator.startswith("table/")
    ]
    corpus = [one.to_bytes() for one in good]
    assert all(isinstance(segment, Segment) for one in good for segment in one.segments)

    def make(random: Random) -> bytes:
        if random.random() < 0.5:
            return bytewise.change(random, random.choice(corpus), corpus)
        return _change(random, good)

    def read(data: bytes) -> None:
        found = Fingerprint.from_bytes(data)
        assert found.to_bytes() == data, "a fingerprint has one encoding"
        same = [one for one in good if one.generator == found.generator]
        for result in implementation_of(found.generator).compare_many(found, [*same, found]):
            assert 0 <= result.score <= 1

    return Decoder(make, read, (FingerprintError,))
