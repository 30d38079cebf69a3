"""The index: what it tells is what is worth comparing, however the fingerprints came in."""

import io
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image

from countermark.fingerprint import Fingerprint, compare_many, compute, index_of
from countermark.fingerprint.evaluation.families import scene
from countermark.fingerprint.image import DIRECTIONS, gallery, segment
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.gallery import Gallery
from countermark.fingerprint.image.segment import Query, Rows, Segment
from countermark.fingerprint.index import buckets
from countermark.fingerprint.index.buckets import Buckets, keys_of, near_keys, unsure_keys
from countermark.fingerprint.index.candidates import Exhaustive

PICTURES = 24


def fingerprint(image: Image.Image, generator: str = "image/v1") -> Fingerprint:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    buffer.seek(0)
    return compute(buffer, generator)


@cache
def pictures() -> tuple[Image.Image, ...]:
    random = np.random.default_rng(11)
    return tuple(scene(random) for _ in range(PICTURES))


@cache
def prints() -> tuple[Fingerprint, ...]:
    return tuple(map(fingerprint, pictures()))


def half(image: Image.Image) -> Image.Image:
    w, h = image.size
    return image.crop((w // 5, h // 4, w // 5 + w // 2, h // 4 + h // 2))


def filled(*batches: int, rule=V1.candidates) -> Gallery:
    """Return an index of `prints`, added in batches of these sizes."""
    made, start = Gallery(rule), 0
    for size in batches:
        made.add(prints()[start : start + size])
        start += size
    return made


# Buckets


def test_words_that_differ_in_fewer_bits_than_there_are_keys_are_found():
    random = np.random.default_rng(5)
    words = random.integers(0, 2**63, 2000).astype(np.uint64)
    buckets = Buckets(keys_of(words[:, np.newaxis]))
    for number in range(0, 2000, 100):
        flips = sum(1 << int(bit) for bit in random.choice(64, 3, replace=False))
        _, found = buckets.sharing(keys_of((words[[number]] ^ np.uint64(flips))[:, np.newaxis]), 10**6)
        assert number in found
        flips = sum(1 << int(bit) for bit in random.choice(64, 7, replace=False))
        _, found = buckets.sharing(near_keys(keys_of((words[[number]] ^ np.uint64(flips))[:, np.newaxis])), 10**6)
        assert number in found


def test_pairs_are_exactly_those_that_share_a_key_in_its_place():
    random = np.random.default_rng(6)
    stored, asked = (random.integers(0, 40, (count, 3)).astype(np.uint16) for count in (300, 20))
    rows, found = Buckets(stored).sharing(asked, 10**6)
    expected = [(q, w) for q in range(20) for w in range(300) for t in range(3) if asked[q, t] == stored[w, t]]
    assert sorted(zip(rows.tolist(), found.tolist(), strict=True)) == sorted(expected)


def test_of_too_many_pairs_those_by_the_rarest_keys_remain():
    stored = np.array([[1]] * 50 + [[2]] * 3, np.uint16)
    rows, found = Buckets(stored).sharing(np.array([[1], [2]], np.uint16), most=10)
    assert set(rows) == {1}
    assert sorted(found) == [50, 51, 52]


def test_pairs_come_in_portions_that_lose_none(monkeypatch):
    random = np.random.default_rng(7)
    stored, asked = (random.integers(0, 9, (count, 3)).astype(np.uint16) for count in (300, 20))
    rows, found = Buckets(stored).sharing(asked, 10**6)
    monkeypatch.setattr(buckets, "_PORTION", 50)
    portions = list(Buckets(stored).portions(asked, 10**6))
    assert len(portions) > 20
    assert max(len(rows) for rows, _ in portions) <= 50
    assert np.concatenate([some for some, _ in portions]).tolist() == rows.tolist()
    assert np.concatenate([some for _, some in portions]).tolist() == found.tolist()


def test_nothing_is_found_in_nothing():
    for stored, asked in ((0, 4), (4, 0)):
        rows, found = Buckets(np.zeros((stored, 2), np.uint16)).sharing(np.ones((asked, 2), np.uint16), 10)
        assert len(rows) == len(found) == 0


def test_unsure_bits_are_turned_in_every_choice():
    keys = unsure_keys(np.array([[0b0000, 0b1111]], np.uint16), np.array([[0b0101, 0b1010]], np.uint16))
    assert sorted(keys[:, 0]) == [0b0000, 0b0001, 0b0100, 0b0101]
    assert sorted(keys[:, 1]) == [0b0101, 0b0111, 0b1101, 0b1111]
    assert keys[0].tolist() == [0b0000, 0b1111]


# Candidates


@pytest.mark.requirement("R25")
def test_copies_and_parts_are_candidates_the_likeliest_first():
    index = filled(PICTURES)
    for number in range(0, PICTURES, 3):
        for copy in (pictures()[number], half(pictures()[number]), pictures()[number].rotate(90, expand=True)):
            assert index.candidates(fingerprint(copy))[0] == number


def test_what_was_added_one_by_one_is_found_as_what_came_at_once():
    indexes = [filled(PICTURES), filled(*[1] * PICTURES), filled(5, 1, 1, 10, 7)]
    assert {len(index) for index in indexes} == {PICTURES}
    for number in range(PICTURES):
        found = [index.candidates(prints()[number]) for index in indexes]
        assert found[0] == found[1] == found[2]


def test_only_what_came_after_the_first_is_told():
    index = filled(10, 14)
    for first in (0, 3, 10, 23, PICTURES):
        found = index.candidates(prints()[12], first)
        assert all(number >= first for number in found)
        assert (12 in found) == (first <= 12)


def test_candidates_are_few_even_of_many_copies():
    rule = replace(V1.candidates, most=4)
    index = Gallery(rule)
    index.add([prints()[0]] * 9)
    assert index.candidates(prints()[0]) == [0, 1, 2, 3]


def test_a_quick_search_looks_at_fewer_pairs():
    index = Gallery(replace(V1.candidates, view_bits=-1, quick_pairs=0))
    index.add(prints())
    assert index.candidates(prints()[3])[0] == 3
    assert index.candidates(prints()[3], quick=True) == []


def test_segments_are_full_at_their_largest_and_number_on(monkeypatch):
    monkeypatch.setattr(gallery, "_LARGEST", 8)
    index = filled(*[1] * PICTURES)
    assert len(index) == PICTURES
    assert [index.candidates(prints()[number])[0] for number in (0, 7, 8, 23)] == [0, 7, 8, 23]
    at_once = filled(PICTURES)
    assert [at_once.candidates(prints()[number])[0] for number in (0, 7, 8, 23)] == [0, 7, 8, 23]


def test_pictures_come_as_rows_too_and_no_more_than_a_segment_holds():
    index = filled(10)
    index.add_rows(Rows.of(prints()[10:]))
    assert [index.candidates(one) for one in prints()] == [filled(PICTURES).candidates(one) for one in prints()]
    with pytest.raises(ValueError, match="65537 pictures at once: more than 65536"):
        index.add_rows(replace(Rows.of(prints()), count=65537))


def test_pictures_without_texture_are_candidates_by_their_colours():
    plain = [fingerprint(Image.new("RGB", (40, 30), colour)) for colour in ("white", "black", (250, 251, 252))]
    index = Gallery(V1.candidates)
    index.add([prints()[0], *plain])
    assert index.candidates(plain[0]) == [1, 3]
    assert index.candidates(plain[1]) == [2]
    assert [one.decision for one in compare_many(plain[0], [plain[0], plain[2]])] == ["review", "review"]
    assert index.candidates(prints()[0]) == [0]


def counted(segment: Segment, query: Query, pairs: list[tuple[int, int, int]]) -> dict[int, int]:
    """The votes that elect each picture, counted one by one: those of the bin that has most, where it has enough."""
    rule, rows = V1.candidates, segment.rows
    bins: Counter[tuple[int, ...]] = Counter()
    for asked, found, apart in {(asked, found): (asked, found, apart) for asked, found, apart in pairs}.values():
        turn = (int(rows.directions[found]) - int(query.directions[asked])) % DIRECTIONS
        step = int(rows.levels[found]) - int(query.levels[asked])
        picture, mirrored = int(rows.corner_rows[found]), int(query.mirrored[asked])
        for half in (0, DIRECTIONS // 16):
            sector = (turn + half) % DIRECTIONS * 8 // DIRECTIONS
            bins[picture, mirrored, step, half, sector] += 1 + (rule.corner_bits - apart) // rule.bits_a_vote
    most: dict[int, int] = {}
    for (picture, *_), votes in bins.items():
        if votes >= rule.votes:
            most[picture] = max(votes, most.get(picture, 0))
    return most


@pytest.mark.parametrize("slots", [1, 64, 1 << 18])
def test_votes_are_those_that_are_counted_one_by_one(monkeypatch, slots):
    """However many bins share a slot: what is sorted out before is of no bin that elects."""
    monkeypatch.setattr(segment, "_SLOTS", slots)
    random, rows = np.random.default_rng(7), Rows.of(prints())
    query, one = Query.of(prints()[3]), Segment(0, rows)
    for count in (0, 1, 50, 3000):
        asked, found = random.integers(0, len(query.bits), count), random.integers(0, len(rows.bits), count)
        # As many again come by another key too.
        asked, found = np.concatenate([asked, asked[: count // 2]]), np.concatenate([found, found[: count // 2]])
        apart = (asked * 31 + found * 17) % (V1.candidates.corner_bits + 1)
        pictures, ranks = one.voted(query, asked, found, apart, V1.candidates)
        expected = counted(one, query, list(zip(asked.tolist(), found.tolist(), apart.tolist(), strict=True)))
        assert dict(zip(pictures.tolist(), (-ranks).tolist(), strict=True)) == expected
    assert expected


def test_an_empty_index_tells_nothing():
    assert Gallery(V1.candidates).candidates(prints()[0]) == []


def test_a_generator_without_an_index_compares_everything():
    index = index_of("image/paper-v0")
    assert isinstance(index, Exhaustive)
    index.add([fingerprint(picture, "image/paper-v0") for picture in pictures()[:3]])
    assert list(index.candidates(fingerprint(pictures()[0], "image/paper-v0"), 1)) == [1, 2]
    assert isinstance(index_of("image/v1"), Gallery)
