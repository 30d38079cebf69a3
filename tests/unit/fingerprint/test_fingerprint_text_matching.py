"""When two texts are a match: what they share, how much of it there is, and where it stands."""

import io
from functools import cache
from importlib.resources import files
from random import Random

import numpy as np
import pytest

from countermark.fingerprint import (
    Comparison,
    Fingerprint,
    FingerprintError,
    Segment,
    compare,
    compare_many,
    compute,
    index_of,
    is_featureless,
)
from countermark.fingerprint.evaluation.kinds.prose import Subject, prose
from countermark.fingerprint.text import MOST_SHINGLES, PLACES
from countermark.fingerprint.text.config import V1
from countermark.fingerprint.text.passages import passages_only
from countermark.fingerprint.text.placed import Placed, Sampler

SUBJECT = Subject(3)
HEADER = (
    "This file belongs to the measuring programs of the Harbour Board at Port Ellery. Whoever changes it records the "
    "change, its date and reason in the ledger of the tide office, and sends a sealed copy to the surveyor general "
    "within fourteen days; copies for teaching may be made without leave, provided that soundings marked secret "
    "are blackened beforehand and the Board's crest appears on every sheet."
)
SALUTATION = (
    "Dear Sir or Madam, thank you very much for your kind letter of the seventh, which reached our office today."
)
FAREWELL = (
    "Please do not hesitate to write again, should anything remain unclear. With kindest regards, the secretary."
)
QUOTATION = (
    "The weighing room, he noted, smelled of brass polish and cold tea, and nobody had touched the ledgers since "
    "spring. Whoever balances the accounts must first admit that the scales themselves were never once checked."
)
STOP_WORDS = "a are as at be for from have he his i in is it of on that the they to was with"


def of(text: str) -> Fingerprint:
    return compute(io.BytesIO(text.encode()), "text/v1")


def outcome(first: str, second: str) -> Comparison:
    found = compare(of(first), of(second))
    again = compare(of(second), of(first))
    assert (found.decision, found.score) == (again.decision, again.score)
    return found


@cache
def text(seed: int, words: int = 600) -> str:
    return prose(SUBJECT, seed, words)


@pytest.mark.parametrize("words", [200, 400, 2000])
def test_texts_on_one_subject_are_different(words):
    assert {outcome(text(1, words), text(seed, words)).decision for seed in range(2, 12)} == {"different"}


@pytest.mark.parametrize("words", [120, 250, 600, 2000])
@pytest.mark.parametrize(
    "shared",
    {
        "a header": (HEADER, ""),
        "salutation and farewell": (SALUTATION, FAREWELL),
        "a quotation": (QUOTATION, ""),
        "words that every text has": (STOP_WORDS, STOP_WORDS),
        "Lorem ipsum": ("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.", ""),
    }.values(),
)
def test_what_many_texts_have_in_common_makes_no_match(words, shared):
    before, after = shared
    one, other = (f"{before}\n\n{text(seed, words)}\n\n{after}" for seed in (21, 22))
    assert outcome(one, other).decision != "match"


def test_licences_on_both_make_texts_no_more_similar():
    notices = files("countermark.fingerprint.text").joinpath("notices.txt").read_text("utf-8").splitlines()[1:]
    for notice in notices:
        header = "\n".join(f" * {line}" for line in notice.split(". "))
        assert outcome(f"/*\n{header}\n */\n{text(31, 150)}", f"/*\n{header}\n */\n{text(32, 150)}").score < 0.05


@pytest.mark.parametrize(("share", "decision"), [(1.0, "match"), (0.5, "match"), (0.3, "match"), (0.05, "different")])
def test_score_is_the_share_of_either_in_the_other(share, decision):
    words = text(41, 3000).split(" ")
    part = " ".join(words[: int(len(words) * share)]) + " " + text(42, 3000)
    found = outcome(text(41, 3000), part)
    assert found.score == pytest.approx(share, abs=0.05)
    assert found.decision == decision


def test_part_is_found_in_a_text_a_hundred_times_as_long():
    long = "".join(text(seed, 3000) for seed in range(100, 150)) + text(51, 2500)
    found = outcome(text(51, 2500), long)
    assert found.decision == "match"
    assert not is_featureless(of(long))


def test_part_too_small_for_a_coarse_sample_is_no_match_and_the_reason_says_so():
    long = Fingerprint("text/v1", (Segment("shingles", coarse(level=9, count=3000)),))
    short = Fingerprint("text/v1", (Segment("shingles", coarse(level=5, count=8)),))
    found = compare(short, long)
    assert found.decision == "review"
    assert any("too little" in reason for reason in found.reasons)


def coarse(level: int, count: int) -> bytes:
    hashes = b"".join((number * 7919 + 1).to_bytes(8) for number in range(count))
    return bytes([level]) + hashes + bytes(count)


@pytest.mark.parametrize("words", [0, 10, 30])
def test_short_text_is_featureless_and_a_longer_one_is_not(words):
    assert is_featureless(of(" ".join(text(61).split(" ")[:words]) + "\n"))
    assert not is_featureless(of(text(61, 120)))
    assert compare(of(text(61, 120)), of(text(61, 120))).score == 1.0


@pytest.mark.parametrize(
    ("shared", "unit", "only"),
    {
        "one run": (range(20, 60), 1, True),
        "four runs": ((*range(20), *range(50, 70), *range(100, 120), *range(150, 170)), 1, True),
        "eight runs": ([at for start in range(0, 240, 30) for at in range(start, start + 10)], 1, False),
        "every third": (range(0, 256, 3), 1, False),
        "more than half": (range(140), 1, False),
        "one run of a long text": (range(20, 60), 4, False),
        "nothing": ((), 1, True),
    }.values(),
)
def test_passages_are_told_from_what_is_scattered(shared, unit, only):
    places = np.arange(PLACES)
    assert passages_only(places, np.array(shared, np.int64), unit, V1.passages) is only


def test_sample_keeps_the_first_place_of_each_hash_whatever_the_portions():
    random = np.random.default_rng(1)
    hashes = random.integers(0, 1 << 64, 50_000, dtype=np.uint64)
    hashes = np.concatenate([hashes, hashes[::-1]])
    whole, portions = Sampler(1000), Sampler(1000)
    whole.add(hashes)
    for portion in np.array_split(hashes, 77):
        portions.add(portion)
    found = whole.sample()
    assert found.to_bytes() == portions.sample().to_bytes()
    assert Placed.from_bytes(found.to_bytes()).to_bytes() == found.to_bytes()
    assert 500 < len(found.sketch.hashes) <= 1000
    assert found.places.max() == PLACES // 2 - 1


def test_fingerprint_of_a_long_text_is_no_longer_than_declared():
    random = Random(1)
    long = of(" ".join(str(random.randrange(10**9)) + "x" for _ in range(60_000)))
    assert len(long.segment("shingles")) <= 1 + 9 * MOST_SHINGLES


@pytest.mark.parametrize(
    "payload",
    {
        "nothing": b"",
        "a level beyond any": bytes([64]),
        "a hash without place": bytes([0]) + bytes(8),
        "descending": bytes([0]) + b"\2" + bytes(7) + b"\1" + bytes(7) + bytes(2),
        "twice": bytes([0]) + bytes(16) + bytes(2),
        "above the level": bytes([1]) + b"\xff" * 8 + bytes(1),
        "too many": coarse(0, MOST_SHINGLES + 1),
    }.values(),
)
def test_payload_that_no_text_has_is_refused(payload):
    with pytest.raises(FingerprintError) as caught:
        Fingerprint("text/v1", (Segment("shingles", payload),))
    assert caught.value.code == "fingerprint_malformed"


def test_index_finds_the_few_that_share_something():
    index = index_of("text/v1")
    references = [of(text(seed)) for seed in range(200, 230)]
    index.add(references[:10])
    index.add(references[10:])
    copy = of(text(215).upper() + text(999))
    assert len(index) == 30
    assert index.candidates(copy)[0] == 15
    assert index.candidates(copy, first=16) != [15]
    assert compare_many(copy, references)[15].decision == "match"
