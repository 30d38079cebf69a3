import struct

import pytest

from countermark.fingerprint import Fingerprint, FingerprintError, FingerprintErrorCode, Segment
from countermark.fingerprint.codec import MAX_FINGERPRINT_BYTES

PAPER = Fingerprint(
    "image/paper-v0",
    (Segment("histogram", bytes(128)), Segment("dct64", bytes(range(8))), Segment("thumbnail", bytes(1024))),
)
ENCODED = PAPER.to_bytes()


def encode(generator: bytes, *segments: tuple[bytes, bytes], magic: bytes = b"CMFP\x01") -> bytes:
    body = b"".join(bytes([len(n)]) + n + struct.pack(">I", len(p)) + p for n, p in segments)
    return magic + bytes([len(generator)]) + generator + bytes([len(segments)]) + body


HISTOGRAM, HASH, THUMBNAIL = (b"histogram", bytes(128)), (b"dct64", bytes(8)), (b"thumbnail", bytes(1024))


@pytest.mark.requirement("A-04")
def test_layout_of_the_bytes_is_the_documented_one():
    expected = encode(b"image/paper-v0", HISTOGRAM, (b"dct64", bytes(range(8))), THUMBNAIL)
    assert expected == ENCODED
    assert Fingerprint.from_bytes(expected) == PAPER
    assert PAPER.segment("dct64") == bytes(range(8))


MALFORMED = {
    "empty": b"",
    "other magic": encode(b"image/paper-v0", HISTOGRAM, HASH, THUMBNAIL, magic=b"CMFX\x01"),
    "other format": encode(b"image/paper-v0", HISTOGRAM, HASH, THUMBNAIL, magic=b"CMFP\x02"),
    "trailing byte": ENCODED + b"\0",
    "twice": ENCODED + ENCODED,
    "segments swapped": encode(b"image/paper-v0", HASH, HISTOGRAM, THUMBNAIL),
    "segment missing": encode(b"image/paper-v0", HISTOGRAM, HASH),
    "segment doubled": encode(b"image/paper-v0", HISTOGRAM, HASH, HASH, THUMBNAIL),
    "segment unknown": encode(b"image/paper-v0", HISTOGRAM, (b"dct65", bytes(8)), THUMBNAIL),
    "segment too short": encode(b"image/paper-v0", HISTOGRAM, (b"dct64", bytes(7)), THUMBNAIL),
    "segment too long": encode(b"image/paper-v0", HISTOGRAM, HASH, (b"thumbnail", bytes(1025))),
    "name not ASCII": encode("image/päper".encode(), HISTOGRAM, HASH, THUMBNAIL),
    "length beyond the end": encode(b"image/paper-v0", HISTOGRAM) + b"\x05dct64\xff\xff\xff\xff",
    "absurdly long": b"CMFP\x01" + bytes(MAX_FINGERPRINT_BYTES),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_anything_but_canonical_bytes_is_refused(data):
    with pytest.raises(FingerprintError) as caught:
        Fingerprint.from_bytes(data)
    assert caught.value.code is FingerprintErrorCode.FINGERPRINT_MALFORMED


@pytest.mark.parametrize("length", range(0, len(ENCODED), 7))
def test_every_truncation_is_refused(length):
    with pytest.raises(FingerprintError):
        Fingerprint.from_bytes(ENCODED[:length])


def test_unknown_generator_is_refused_by_parser_and_constructor():
    for make in (
        lambda: Fingerprint.from_bytes(encode(b"image/v999", HISTOGRAM)),
        lambda: Fingerprint("image/v999", ()),
    ):
        with pytest.raises(FingerprintError) as caught:
            make()
        assert caught.value.code == "unknown_generator"


def image_v1(aspect: int = 1024, content: bytes = b"", local: bytes = b"") -> Fingerprint:
    return Fingerprint(
        "image/v1",
        (
            Segment("aspect", aspect.to_bytes(4)),
            Segment("histogram", bytes(128)),
            Segment("dct64", bytes(8 * 35)),
            Segment("thumbnail", bytes(56 * 56)),
            Segment("levels", bytes(6)),
            Segment("content", content),
            Segment("local", local),
        ),
    )


IMPOSSIBLE_ASPECTS = [0, 15, 64 * 1024 + 1, 2**32 - 1]


@pytest.mark.parametrize("aspect", IMPOSSIBLE_ASPECTS)
def test_impossible_aspect_of_an_image_v1_fingerprint_is_refused(aspect):
    with pytest.raises(FingerprintError, match="aspect"):
        image_v1(aspect)


def test_content_of_an_image_v1_fingerprint_is_nothing_or_another_set_of_features():
    features = bytes(128 + 8 * 35 + 56 * 56)
    for content in (b"", (1024).to_bytes(4) + features):
        made = image_v1(content=content)
        assert Fingerprint.from_bytes(made.to_bytes()) == made
    impossible = [aspect.to_bytes(4) + features for aspect in IMPOSSIBLE_ASPECTS]
    for content in (b"\0", (1024).to_bytes(4) + features[1:], (1024).to_bytes(4) + features + b"\0", *impossible):
        with pytest.raises(FingerprintError, match="content"):
            image_v1(content=content)


def test_corners_of_an_image_v1_fingerprint_are_a_hundred_at_most_each_of_a_level_and_direction():
    corner = bytes((0, 1, 0, 1, 5, 63)) + bytes(32)
    for local in (corner, 100 * corner):
        made = image_v1(local=local)
        assert Fingerprint.from_bytes(made.to_bytes()) == made
    level, direction = bytes((0, 1, 0, 1, 6, 63)), bytes((0, 1, 0, 1, 5, 64))
    for local in (corner[:-1], 101 * corner, level + bytes(32), corner + direction + bytes(32)):
        with pytest.raises(FingerprintError, match="local"):
            image_v1(local=local)


def test_neither_repr_nor_error_shows_payloads():
    secret = Fingerprint("image/paper-v0", (Segment("histogram", b"S" * 128), *PAPER.segments[1:]))
    assert "SSS" not in repr(secret)
    with pytest.raises(FingerprintError) as caught:
        Fingerprint("image/paper-v0", (Segment("histogram", b"S" * 99), *PAPER.segments[1:]))
    assert "SSS" not in str(caught.value) + repr(caught.value)
