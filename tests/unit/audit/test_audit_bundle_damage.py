"""Whatever happens to the file of a bundle: it is refused by an error that says where, or it says what it said."""

import random
import zlib
from collections import Counter
from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import pytest

from countermark.audit.bundles import Subject
from countermark.audit.bundles.manifest import Manifest, parse_manifest
from countermark.audit.bundles.records import LONGEST_BLOCK, MAGIC, BundleReader
from countermark.audit.errors import AuditError
from countermark.network.blocks import parse_block
from countermark.network.errors import NetworkError
from tests.fixtures.fabric_blocks import recorded
from tests.support.bundled import bundled, judged, manifest, put_together, sealed, taken_apart
from tests.support.figures import show
from tests.support.sizes import size
from tests.unit.audit.chains import Chain
from tests.unit.audit.test_audit_flips import says_the_same

FLIPS = size(400, 10_000)


def refused(data: bytes, genesis: bytes) -> str:
    """Return the code by which a bundle is refused."""
    with pytest.raises(AuditError) as caught:
        judged(data, genesis=genesis)
    return caught.value.code


def code_of(data: bytes, genesis: bytes) -> str:
    """Return the code by which a bundle is refused, "" if it is good."""
    try:
        judged(data, genesis=genesis)
    except AuditError as error:
        return error.code
    return ""


@pytest.mark.requirement("R67")
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("source", ["embedded", "fabric"])
def test_a_byte_of_the_file_changed_at_random_is_found_or_changes_nothing_within(source: str, chain: Chain) -> None:
    """What a good one holds then is the same byte by byte: zlib has some bits that say nothing of the contents."""
    blocks = chain.blocks if source == "embedded" else list(recorded())
    genesis = blocks[0].header_hash
    channel = blocks[0].transactions[0].channel
    about = manifest(Subject("blocks", first=0, last=len(blocks) - 1), channel=channel)
    data = bundled(blocks, about=about)
    honest = judged(data, genesis=genesis)
    chance = random.Random(source)
    codes: Counter[str] = Counter()
    for _ in range(FLIPS // 2):
        at, other = chance.randrange(len(data)), chance.randrange(1, 256)
        changed = data[:at] + bytes([data[at] ^ other]) + data[at + 1 :]
        code = code_of(changed, genesis)
        codes[code] += 1
        if not code:
            assert taken_apart(changed) == taken_apart(data)
            assert judged(changed, genesis=genesis) == honest
    same = codes.pop("", 0)
    assert same <= FLIPS // 100
    show(
        f"bundle of {source} blocks: {codes.total():,} changed bytes of the file, all found, by "
        f"{', '.join(sorted(codes))}; {same} changed nothing within"
    )


@pytest.mark.requirement("R67")
@pytest.mark.timeout(7_200)
def test_a_byte_within_changed_by_who_makes_the_digest_good_is_found_or_says_the_same(chain: Chain) -> None:
    """The digest is no signature. A good one says the same of each block that it said, or is about something else."""
    records = taken_apart(bundled(chain.blocks))[:-1]
    chance = random.Random(5)
    codes: Counter[str] = Counter()
    for _ in range(FLIPS):
        index = chance.randrange(len(records))
        kind, data = records[index]
        at, other = chance.randrange(len(data)), chance.randrange(1, 256)
        changed = data[:at] + bytes([data[at] ^ other]) + data[at + 1 :]
        code = code_of(sealed([*records[:index], (kind, changed), *records[index + 1 :]]), chain.genesis)
        codes[code] += 1
        if not code and kind == b"B":
            assert says_the_same(parse_block(changed), chain.blocks[index - 1])
        elif not code:
            assert other_blocks(parse_manifest(changed), parse_manifest(data))
    same = codes.pop("", 0)
    assert same <= FLIPS // 20
    show(
        f"bundle with its digest made good: {codes.total():,} changed bytes, all found, by "
        f"{', '.join(sorted(codes))}; {same} said the same, or asked for other blocks"
    )


def other_blocks(one: Manifest, original: Manifest) -> bool:
    """Whether they differ in the first block that is asked for alone."""
    return replace(one, subject=original.subject) == original and one.subject.last == original.subject.last


def test_every_record_that_is_missing_doubled_or_out_of_place_is_found(chain: Chain) -> None:
    records = taken_apart(bundled(chain.blocks))
    assert [kind for kind, _ in records] == [b"M", *[b"B"] * len(chain.blocks), b"E"]
    for number, record in enumerate(records):
        without = records[:number] + records[number + 1 :]
        assert refused(put_together(without), chain.genesis)
        assert refused(put_together([*records[:number], record, *records[number:]]), chain.genesis)
    for first, second in pairwise(range(len(records))):
        swapped = list(records)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        assert refused(put_together(swapped), chain.genesis)


def test_blocks_that_are_missing_doubled_or_out_of_place_are_found_whatever_the_digest_says(chain: Chain) -> None:
    records = taken_apart(bundled(chain.blocks))[:-1]
    for number in range(1, len(records)):
        without = sealed(records[:number] + records[number + 1 :])
        twice = sealed(records[: number + 1] + records[number:])
        last = number == len(records) - 1
        # Without the last block it is a good bundle of a shorter ledger, but not of the blocks that it names.
        assert refused(without, chain.genesis) == ("bundle_differs" if last else "wrong_number")
        assert refused(twice, chain.genesis) == "wrong_number"
    for first in range(1, len(records) - 1):
        swapped = list(records)
        swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
        assert refused(sealed(swapped), chain.genesis) == "wrong_number"


def test_wherever_the_file_is_cut_it_is_found(chain: Chain) -> None:
    data = bundled(chain.blocks)
    for length in (*range(60), *range(60, len(data), 97), *range(len(data) - 30, len(data))):
        assert refused(data[:length], chain.genesis) in ("malformed_bundle", "unsupported_bundle")


@pytest.mark.parametrize("more", [b"\0", b"\n", MAGIC, b"x" * 100_000])
def test_nothing_may_follow(chain: Chain, more: bytes) -> None:
    data = bundled(chain.blocks)
    assert refused(data + more, chain.genesis) == "malformed_bundle"
    stream = zlib.decompress(data[len(MAGIC) :])
    assert refused(MAGIC + zlib.compress(stream + more), chain.genesis) == "malformed_bundle"
    assert refused(data + zlib.compress(more), chain.genesis) == "malformed_bundle"


MANIFEST = b'{"chaincode":"countermark","channel":"market","platform":"P","subject":%s,"supervisor":"S"}'


@pytest.mark.parametrize(
    "made",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 4_000,
        MANIFEST % b'{"kind":"licence","name":"x"}',
        MANIFEST % b'{"kind":"trade"}',
        MANIFEST % b'{"kind":"trade","name":""}',
        MANIFEST % b'{"kind":"trade","name":7}',
        MANIFEST % b'{"kind":"blocks","name":"x"}',
        MANIFEST % b'{"first":2,"kind":"blocks","last":1}',
        MANIFEST % b'{"first":-1,"kind":"blocks","last":1}',
        MANIFEST % b'{"first":0,"kind":"blocks","last":1e3}',
        MANIFEST % b'{"first":0,"kind":"blocks","last":1} ',
        MANIFEST % b'"trade"',
        MANIFEST % b"null",
    ],
)
def test_manifests_that_are_none_are_refused(chain: Chain, made: bytes) -> None:
    records = taken_apart(bundled(chain.blocks))[1:-1]
    assert refused(sealed([(b"M", made), *records]), chain.genesis) == "malformed_bundle"


def test_a_record_that_claims_more_than_there_may_be_is_refused_before_it_comes(chain: Chain) -> None:
    records = taken_apart(bundled(chain.blocks))
    stream = b"".join(kind + len(data).to_bytes(4, "big") + data for kind, data in records[:2])
    for kind, length in ((b"B", LONGEST_BLOCK + 1), (b"B", 2**32 - 1), (b"M", 4097), (b"E", 41), (b"X", 0)):
        data = MAGIC + zlib.compress(stream + kind + length.to_bytes(4, "big"))
        assert refused(data, chain.genesis) == "malformed_bundle"


def test_a_closing_of_another_length_is_refused(chain: Chain) -> None:
    records = taken_apart(bundled(chain.blocks))
    assert refused(put_together([*records[:-1], (b"E", records[-1][1][:-1])]), chain.genesis) == "malformed_bundle"


@pytest.mark.parametrize(
    "data", [b"", b"countermark", b"countermark-bundle 2\n", MAGIC[:-1] + b"\r", b"\x1f\x8b" * 40]
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(AuditError, match="unsupported_bundle"):
        judged(data, genesis=b"x")


def test_a_block_that_does_not_parse_is_named(chain: Chain) -> None:
    records = taken_apart(bundled(chain.blocks))[:-1]
    records[3] = (b"B", b"\xff" + records[3][1])
    with pytest.raises(AuditError) as caught:
        judged(sealed(records), genesis=chain.genesis)
    assert caught.value.block == 2
    with pytest.raises(NetworkError):
        parse_block(records[3][1])


class Trickling(BytesIO):
    """A source that gives one byte at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size == len(MAGIC) else 1)


def test_it_is_read_in_whatever_pieces_it_comes(chain: Chain) -> None:
    reader = BundleReader(Trickling(bundled(chain.blocks)))
    assert [parse_block(data).number for data in reader.blocks()] == list(range(len(chain.blocks)))
    assert reader.digest
