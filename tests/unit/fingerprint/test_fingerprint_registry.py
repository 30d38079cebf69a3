import io
import subprocess
import sys

import pytest

from countermark.fingerprint import (
    Comparison,
    Fingerprint,
    FingerprintError,
    Segment,
    compare,
    compare_many,
    compute,
    generators,
    registry,
)
from countermark.fingerprint.registry import Generator, Layout, SegmentRule


class WordCount:
    """A generator of another kind: it counts the words of a text."""

    def compute(self, source):
        return Fingerprint("text/words", (Segment("count", len(source.read().split()).to_bytes(4)),))

    def compare_many(self, query, references):
        return [
            Comparison("match" if query == r else "different", float(query == r), (), "text/words", "c1")
            for r in references
        ]


WORDS = Generator("text/words", Layout((SegmentRule("count", 4, 4),)), WordCount)


@pytest.fixture
def words(monkeypatch):
    monkeypatch.setattr(registry, "_generators", dict(registry._generators))
    registry.register(WORDS)


@pytest.mark.requirement("R62")
def test_generator_of_another_kind_plugs_in_without_a_change_elsewhere(words):
    one, two = (compute(io.BytesIO(text), "text/words") for text in (b"a b", b"a b c"))
    assert WORDS.kind == "text"
    assert "text/words" in generators()
    assert Fingerprint.from_bytes(one.to_bytes()) == one
    assert [c.decision for c in compare_many(one, [one, two])] == ["match", "different"]


def test_fingerprints_of_different_generators_do_not_compare(words):
    text = compute(io.BytesIO(b"a b"), "text/words")
    paper = Fingerprint(
        "image/paper-v0",
        (Segment("histogram", bytes(128)), Segment("dct64", bytes(8)), Segment("thumbnail", bytes(1024))),
    )
    with pytest.raises(FingerprintError) as caught:
        compare(text, paper)
    assert caught.value.code == "incompatible_fingerprints"


def test_unknown_generator_is_refused():
    with pytest.raises(FingerprintError) as caught:
        compute(io.BytesIO(b"x"), "image/v999")
    assert caught.value.code == "unknown_generator"


@pytest.mark.parametrize(
    "generator",
    [
        WORDS,
        Generator("words", WORDS.layout, WordCount),
        Generator("text/", WORDS.layout, WordCount),
        Generator("text/ü", WORDS.layout, WordCount),
        Generator("text/" + "x" * 64, WORDS.layout, WordCount),
        Generator("text/huge", Layout((SegmentRule("all", 0, 1 << 16),)), WordCount),
    ],
    ids=["taken", "no version", "empty version", "not ASCII", "long id", "unbounded"],
)
def test_mistaken_registration_is_refused(words, generator):
    with pytest.raises(ValueError, match=r"\w"):
        registry.register(generator)


def test_built_in_generators_and_no_reference_at_all():
    assert generators() == (
        "bytes/v1",
        "collection/v1",
        "image/no-thumbnail-v1",
        "image/paper-v0",
        "image/v1",
        "table/v1",
        "text/v1",
    )
    assert (
        compare_many(
            Fingerprint(
                "image/paper-v0",
                (Segment("histogram", bytes(128)), Segment("dct64", bytes(8)), Segment("thumbnail", bytes(1024))),
            ),
            [],
        )
        == []
    )


def test_reading_fingerprints_imports_neither_numpy_nor_pillow():
    check = (
        "import sys, countermark.fingerprint as f; f.generators();"
        "heavy = {'numpy', 'PIL', 'skimage', 'scipy'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
