import io
import itertools
from random import Random

import pytest

from countermark.fingerprint import (
    Fingerprint,
    FingerprintError,
    Segment,
    compare,
    compare_many,
    compute,
    index_of,
    is_featureless,
)
from countermark.fingerprint.evaluation.kinds.made_files import KINDS, made_files

RICH = Random(1).randbytes(100_000)
NOTHING = b"\x03"


def fingerprint(data):
    return compute(io.BytesIO(data), "bytes/v1")


def of_payloads(content, packed=NOTHING):
    return Fingerprint("bytes/v1", (Segment("content", content), Segment("packed", packed)))


def sample(level, *hashes):
    return bytes([level]) + b"".join(one.to_bytes(8) for one in hashes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_any_kind_matches_itself_and_is_encoded_in_one_way(kind):
    file = KINDS[kind](Random(2), 30_000)
    made = fingerprint(file)
    assert Fingerprint.from_bytes(made.to_bytes()) == made
    assert len(made.to_bytes()) < 41_100
    assert compare(made, fingerprint(file)).decision == "match"
    assert not is_featureless(made)


@pytest.mark.parametrize(
    "payloads",
    [
        (b"",),
        (b"\x02",),
        (b"\x40",),
        (sample(3, 1)[:-1],),
        (sample(3, 2, 1),),
        (sample(3, 1, 1),),
        (sample(3, 1 << 61),),
        (sample(3, *range(4_097)),),
        (NOTHING, b""),
        (NOTHING, sample(3, *range(1_025))),
    ],
    ids=[
        "no level",
        "a level below the least",
        "a level beyond all",
        "half a hash",
        "descending",
        "twice the same",
        "beyond the level",
        "too many",
        "packed: no level",
        "packed: too many",
    ],
)
def test_payload_that_no_file_gives_is_refused(payloads):
    with pytest.raises(FingerprintError) as caught:
        of_payloads(*payloads)
    assert caught.value.code == "fingerprint_malformed"


def test_whatever_may_be_claimed_compares_within_bounds_and_alike_both_ways():
    random = Random(3)
    claimed = [
        of_payloads(sample(3, *range(4_096)), sample(3, *range(1_024))),
        of_payloads(sample(63, 0, 1)),
        of_payloads(sample(63), sample(63, 0)),
        of_payloads(NOTHING),
        of_payloads(sample(40, *range(5))),
        *(
            of_payloads(
                sample(level, *sorted({random.getrandbits(64 - level) for _ in range(random.randrange(500))}))
            )
            for level in (3, 3, 4, 10, 20, 50, 60)
        ),
        fingerprint(RICH),
    ]
    for one, other in itertools.product(claimed, claimed):
        there, back = compare(one, other), compare(other, one)
        assert 0 <= there.score <= 1
        assert (there.decision, there.score) == (back.decision, back.score)
        if is_featureless(one):
            assert there.decision != "match"
    assert compare_many(claimed[0], claimed) == [compare(claimed[0], other) for other in claimed]


@pytest.mark.parametrize(
    "data",
    [b"\x01", b"a short note", bytes(1_000_000), b"\x01\x02\x03\x04" * 10_000, RICH[:300]],
    ids=["one byte", "a note", "zeros", "four bytes again and again", "300 bytes"],
)
def test_too_little_content_is_featureless_and_never_a_match(data):
    made = fingerprint(data)
    assert is_featureless(made)
    assert compare(made, made).decision != "match"
    assert compare(made, fingerprint(data + RICH)).decision != "match"


@pytest.mark.parametrize(
    ("first", "second", "decision"),
    [
        (RICH, RICH, "match"),
        (RICH, RICH[:40_000], "match"),
        (RICH, RICH[:40_000] + Random(4).randbytes(60_000), "match"),
        (RICH, RICH[:20_000] + Random(4).randbytes(80_000), "review"),
        (RICH, RICH[:3_000] + Random(4).randbytes(97_000), "different"),
        (RICH[:2_000], RICH[:800] + Random(4).randbytes(1_200), "review"),
        (RICH[:2_000], RICH[:100] + Random(4).randbytes(150), "different"),
        (RICH, Random(4).randbytes(100_000), "different"),
    ],
    ids=[
        "the same",
        "an excerpt",
        "two fifths in common",
        "a fifth in common",
        "a thirtieth in common",
        "two fifths of little in common",
        "next to nothing in common",
        "strangers",
    ],
)
def test_decision_follows_from_what_is_in_common(first, second, decision):
    there, back = (compare(fingerprint(one), fingerprint(other)) for one, other in ((first, second), (second, first)))
    assert there.decision == back.decision == decision
    assert there.config == "bytes/v1+1"
    assert there.reasons


def test_reasons_tell_how_much_is_in_common():
    outcome = compare(fingerprint(RICH), fingerprint(RICH[:50_000]))
    assert outcome.reasons[0] == "100 % of one is in the other"
    assert "bytes in common" in outcome.reasons[1]


def test_index_finds_what_shares_content_and_leaves_strangers_out():
    files = made_files(26, seed=5, most=60_000)
    made = [fingerprint(file) for file in files]
    index = index_of("bytes/v1")
    index.add(made[:20])
    index.add(made[20:])
    for number, file in enumerate(files):
        part = fingerprint(file[len(file) // 4 : len(file) * 3 // 4] if number % 2 else file + RICH)
        assert index.candidates(part)[0] == number
        assert len(index.candidates(part)) < 6
    assert number == 25
    assert index.candidates(fingerprint(bytes(1_000))) == []


def test_installed_programs_by_different_people_are_strangers():
    """They share what their compilers and formats put into all of them."""
    import numpy as np
    import psycopg2._psycopg
    import yaml._yaml
    from google._upb import _message
    from grpc._cython import cygrpc
    from PIL import _imaging
    from pyarrow import lib

    modules = (np._core._multiarray_umath, psycopg2._psycopg, yaml._yaml, _message, cygrpc, _imaging, lib)
    made = [compute(module.__file__, "bytes/v1") for module in modules]
    for at, one in enumerate(made):
        assert all(outcome.decision != "match" for outcome in compare_many(one, made[at + 1 :]))
