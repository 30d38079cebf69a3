"""Whether what was read still stands: keys, private hashes and ranges, compared as Fabric's committing peers do."""

from collections.abc import Iterator

import pytest

from countermark.audit.disk import DiskBooks
from countermark.audit.versions import Versions
from countermark.network.blocks import (
    PrivateHashes,
    PrivateRead,
    PrivateWrite,
    RangeQuery,
    Read,
    ReadWriteSet,
    Write,
)
from countermark.network.blocks.rangereads import summarise

Version = tuple[int, int]


def writing(*keys: str, delete: bool = False, namespace: str = "n") -> ReadWriteSet:
    return ReadWriteSet(writes=tuple(Write(namespace, key, b"v", delete) for key in keys))


def reading(key: str, version: Version | None) -> ReadWriteSet:
    return ReadWriteSet(reads=(Read("n", key, version),))


@pytest.fixture(params=["memory", "disk"])
def empty(request: pytest.FixtureRequest) -> Iterator[Versions]:
    if request.param == "memory":
        yield Versions()
        return
    with DiskBooks() as books:
        yield Versions(books.versions)


@pytest.fixture
def versions(empty: Versions) -> Versions:
    """Keys a to e, of which c was written anew and d deleted, and keys of another chaincode among them."""
    made = empty
    made.write(writing("e", "a", "d", "b", "c"), (1, 0))
    made.write(writing("aa", "bb", namespace="other"), (1, 1))
    made.begin_block()
    made.write(writing("c"), (2, 0))
    made.write(writing("d", delete=True), (2, 1))
    made.begin_block()
    return made


@pytest.mark.parametrize(
    ("key", "version", "current"),
    [("a", (1, 0), True), ("c", (2, 0), True), ("c", (1, 0), False), ("d", None, True), ("d", (1, 0), False)],
)
def test_a_key_must_have_the_version_that_was_read(
    versions: Versions, key: str, version: Version | None, current: bool
) -> None:
    assert versions.current(reading(key, version)) is current


FOUND = [("a", (1, 0)), ("b", (1, 0)), ("c", (2, 0)), ("e", (1, 0))]


@pytest.mark.parametrize(
    ("start", "end", "exhausted", "found"),
    [
        ("", "", True, FOUND),
        ("a", "e", True, FOUND[:3]),
        ("b", "c", False, FOUND[1:3]),
        ("bb", "z", True, FOUND[2:]),
        ("f", "", True, []),
    ],
)
@pytest.mark.parametrize("summed", [False, True])
def test_a_range_must_hold_what_was_found(
    versions: Versions, start: str, end: str, exhausted: bool, found: list[tuple[str, Version]], summed: bool
) -> None:
    def query(now: list[tuple[str, Version]]) -> ReadWriteSet:
        summary = summarise(now, 2) if summed else None
        reads = () if summary else tuple(Read("n", key, version) for key, version in now)
        return ReadWriteSet(ranges=(RangeQuery("n", start, end, exhausted, reads, summary),))

    assert versions.current(query(found))
    assert not versions.current(query([*found, ("x", (1, 0))]))
    if found:
        assert not versions.current(query(found[1:]))
        assert not versions.current(query([*found[:-1], (found[-1][0], (0, 9))]))


def test_a_key_that_was_made_and_deleted_in_the_block_has_changed(versions: Versions) -> None:
    """Its absence is not the absence that was read, which is how peers see it."""
    versions.write(writing("new"), (3, 0))
    versions.write(writing("new", delete=True), (3, 1))
    assert not versions.current(reading("new", None))
    versions.begin_block()
    assert versions.current(reading("new", None))


def test_private_keys_have_versions_of_their_own(empty: Versions) -> None:
    def secret(*writes: PrivateWrite, reads: tuple[PrivateRead, ...] = ()) -> ReadWriteSet:
        return ReadWriteSet(private_hashes=(PrivateHashes("n", "c", reads, writes, b"s"),))

    versions = empty
    versions.write(secret(PrivateWrite(b"k", b"v", False, False)), (1, 0))
    assert not versions.current(secret(reads=(PrivateRead(b"k", (1, 0)),))), "written in this very block"
    versions.begin_block()
    assert versions.current(secret(reads=(PrivateRead(b"k", (1, 0)),)))
    assert not versions.current(secret(reads=(PrivateRead(b"k", None),)))
    versions.write(secret(PrivateWrite(b"k", b"", False, True)), (2, 0))
    versions.begin_block()
    assert versions.current(secret(reads=(PrivateRead(b"k", None),)))
