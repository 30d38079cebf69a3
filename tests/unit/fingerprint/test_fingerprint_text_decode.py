"""What is read as a text, by which rule, and what is refused."""

import io
from random import Random

import numpy as np
import pytest

from countermark.fingerprint import FingerprintError, compare, compute, is_featureless
from countermark.fingerprint.evaluation.kinds.prose import Subject, prose
from countermark.fingerprint.text import decode
from countermark.fingerprint.text.decode import PREFIX_BYTES, blocks, encoding_of, looks_like_text

ENGLISH = prose(Subject(1), 1, 400)
RANDOM = Random(5)
NOISE = RANDOM.randbytes(20_000)
LOUD = np.random.default_rng(1).normal(0, 6000, 20_000).astype("<i2").tobytes()
QUIET = (np.random.default_rng(2).normal(0, 30, 20_000).astype(np.int8).view(np.uint8) ^ 0x80).tobytes()
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(57) + b".text\0.data\0" * 40 + NOISE


def read(data: bytes) -> str:
    return "".join(blocks(io.BytesIO(data)))


def code_of(data: bytes) -> str:
    with pytest.raises(FingerprintError) as caught:
        compute(io.BytesIO(data), "text/v1")
    return caught.value.code


@pytest.mark.parametrize(
    ("encoding", "data"),
    {
        "UTF-8": ("utf-8", ENGLISH.encode()),
        "UTF-8 with a mark": ("utf-8", ENGLISH.encode("utf-8-sig")),
        "UTF-16 with a mark": ("utf-16-le", ENGLISH.encode("utf-16")),
        "UTF-16, big-endian, with a mark": ("utf-16-be", b"\xfe\xff" + ENGLISH.encode("utf-16-be")),
        "UTF-16 without a mark": ("utf-16-le", ENGLISH.encode("utf-16-le")),
        "UTF-16, big-endian, without a mark": ("utf-16-be", ENGLISH.encode("utf-16-be")),
        "UTF-32 with a mark": ("utf-32-le", ENGLISH.encode("utf-32")),
        "UTF-32, big-endian, with a mark": ("utf-32-be", b"\x00\x00\xfe\xff" + ENGLISH.encode("utf-32-be")),
    }.values(),
)
def test_unicode_is_read_to_the_letter(encoding, data):
    found = encoding_of(data)
    assert found is not None
    assert found.name == encoding
    assert read(data) == ENGLISH


@pytest.mark.parametrize(
    "data",
    {
        "windows-1252": ENGLISH.encode("cp1252"),
        "UTF-8 with one broken byte": ENGLISH.encode() + b"\xff",
        "UTF-8 and windows-1252 mixed": ENGLISH[:999].encode() + ENGLISH[999:].encode("cp1252"),
        "a stray NUL": ENGLISH[:999].encode() + b"\0" + ENGLISH[999:].encode(),
        "UTF-16 that ends within a character": ENGLISH.encode("utf-16")[:-1],
        "a page break and an end mark of DOS": ENGLISH.encode() + b"\f\x1a",
    }.values(),
)
def test_text_with_something_odd_is_the_same_text(data):
    original = compute(io.BytesIO(ENGLISH.encode()), "text/v1")
    assert compare(compute(io.BytesIO(data), "text/v1"), original).score > 0.97


@pytest.mark.parametrize(
    "data",
    {
        "noise": NOISE,
        "program": PROGRAM,
        "sound of 16 bits": LOUD,
        "sound of 8 bits": QUIET,
        "NULs": bytes(5000),
        "a few bytes with a NUL": b"hello\0world",
        "noise behind a mark of UTF-16": b"\xff\xfe" + RANDOM.choice((b"\x00\xdc", b"\x00\xd8")) * 500,
        "Shift JIS": "これは日本語で書かれた文章です。".encode("shift-jis") * 50,
    }.values(),
)
def test_binary_is_no_text_whatever_its_name(data):
    assert not looks_like_text(data)
    assert code_of(data) == "not_text"


def test_binary_after_a_start_of_text_is_refused_at_its_end():
    start = (ENGLISH * (PREFIX_BYTES // len(ENGLISH) + 1)).encode()
    assert looks_like_text(start + PROGRAM * 20)
    assert code_of(start + PROGRAM * 20) == "not_text"


def test_prefix_that_ends_within_a_character_looks_like_text():
    japanese = ("これは日本語で書かれた文章です。" * 10).encode()
    assert all(looks_like_text(japanese[:end]) for end in range(3, 40))


def test_nothing_is_an_empty_file():
    assert code_of(b"") == "empty_file"


def test_text_above_the_limit_is_refused_before_it_ends(monkeypatch):
    monkeypatch.setattr(decode, "MAX_TEXT_BYTES", 1 << 20)

    class Endless(io.RawIOBase):
        def read(self, size=-1):
            return b"word " * (size // 5 + 1)

    with pytest.raises(FingerprintError) as caught:
        compute(Endless(), "text/v1")
    assert caught.value.code == "data_too_large"


@pytest.mark.parametrize(
    "data",
    {
        "blanks": b" \n\t \r\n" * 100,
        "a mark alone": b"\xff\xfe",
        "a few words": b"Dear Madam or Sir, thank you for your letter. Yours faithfully",
        "one letter, very often": b"a" * 3_000_000,
        "one line, very often": b"the same line over and over again\n" * 10_000,
        "numbers": b" ".join(b"%d" % number for number in range(5000)),
        "words that every text has": b"it is as it was and so they were to be in it for us " * 30,
    }.values(),
)
def test_text_without_features_is_a_match_for_none(data):
    found = compute(io.BytesIO(data), "text/v1")
    assert is_featureless(found)
    assert compare(found, found).decision == "different"


def test_portions_in_which_a_file_comes_make_no_difference():
    data = (ENGLISH * 2000).encode("utf-16")

    class Drip(io.RawIOBase):
        def __init__(self):
            self.random, self.left = Random(3), io.BytesIO(data)

        def read(self, size=-1):
            return self.left.read(min(size, self.random.randint(1, 100_000)))

    assert compute(Drip(), "text/v1") == compute(io.BytesIO(data), "text/v1")


def test_word_without_end_costs_no_more_memory_than_a_block():
    data = ("abcdefghij" * 400_000 + " end").encode()
    assert is_featureless(compute(io.BytesIO(data), "text/v1"))
