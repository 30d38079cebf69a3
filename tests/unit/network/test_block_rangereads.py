"""The summary of long range reads, against the peer's own way to make it: one read after the other."""

import hashlib

import pytest
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from hypothesis import given
from hypothesis import strategies as st

from countermark.network.blocks import RangeQuery, Read, ReadsSummary, ReadWriteSet
from countermark.network.blocks.rangereads import summarise
from countermark.network.errors import EnvelopeError

Found = tuple[str, tuple[int, int]]


class Helper:
    """rwsetutil.RangeQueryResultsHelper of Fabric 3.1, line by line."""

    def __init__(self, max_degree: int) -> None:
        self.max_degree, self.max_level = max_degree, 1
        self.pending: list[Found] = []
        self.tree: dict[int, list[bytes]] = {}

    def add(self, one: Found) -> None:
        self.pending.append(one)
        if len(self.pending) > self.max_degree:
            self.process()

    def process(self) -> None:
        reads = kv_rwset_pb2.QueryReads()
        for key, (block, position) in self.pending:
            reads.kv_reads.add(key=key, version=kv_rwset_pb2.Version(block_num=block, tx_num=position))
        self.pending = []
        self.tree.setdefault(1, []).append(hashlib.sha256(reads.SerializeToString()).digest())
        level = 1
        while len(self.tree[level]) > self.max_degree:
            combined = hashlib.sha256(b"".join(self.tree.pop(level))).digest()
            level += 1
            self.tree.setdefault(level, []).append(combined)
            self.max_level = max(self.max_level, level)

    def done(self) -> ReadsSummary | None:
        if self.max_level == 1 and not self.tree.get(1):
            return None
        if self.pending:
            self.process()
        level = 1
        while level < self.max_level:
            hashes = self.tree.pop(level, [])
            level += 1
            if hashes:
                one = hashes[0] if len(hashes) == 1 else hashlib.sha256(b"".join(hashes)).digest()
                self.tree.setdefault(level, []).append(one)
        final = self.tree[self.max_level]
        if len(final) > self.max_degree:
            self.max_level += 1
            final = [hashlib.sha256(b"".join(final)).digest()]
        return ReadsSummary(self.max_degree, self.max_level, tuple(final))


def _found(count: int) -> list[Found]:
    return [(f"coin/{index:05d}", (index // 7, index % 7)) for index in range(count)]


@given(st.integers(0, 700), st.integers(2, 9))
def test_it_is_the_one_that_a_peer_makes(count: int, max_degree: int) -> None:
    helper = Helper(max_degree)
    for one in _found(count):
        helper.add(one)
    assert summarise(_found(count), max_degree) == helper.done()


@pytest.mark.parametrize("count", [50, 51, 52, 101, 102, 2601, 2602])
def test_it_is_the_one_that_a_peer_makes_at_its_own_degree(count: int) -> None:
    helper = Helper(50)
    for one in _found(count):
        helper.add(one)
    assert summarise(_found(count), 50) == helper.done()


def _parsed(summary: ReadsSummary) -> RangeQuery:
    tree = kv_rwset_pb2.QueryReadsMerkleSummary(
        max_degree=summary.max_degree, max_level=summary.level, max_level_hashes=summary.hashes
    )
    query = kv_rwset_pb2.RangeQueryInfo(
        start_key="coin/", end_key="coin0", itr_exhausted=True, reads_merkle_hashes=tree
    )
    message = rwset_pb2.TxReadWriteSet()
    message.ns_rwset.add(namespace="n", rwset=kv_rwset_pb2.KVRWSet(range_queries_info=[query]).SerializeToString())
    (parsed,) = ReadWriteSet.parse(message.SerializeToString()).ranges
    return parsed


def test_a_query_with_a_summary_knows_the_range_that_it_read() -> None:
    found = _found(120)
    summary = summarise(found, 50)
    assert summary is not None
    query = _parsed(summary)
    assert query.summary == summary
    assert query.unchanged(found)


@pytest.mark.parametrize(
    "now",
    [
        _found(119),
        _found(121),
        _found(40),
        [],
        [*_found(119), ("coin/00119", (0, 0))],
        [*_found(119), ("coin/x", _found(120)[-1][1])],
    ],
)
def test_a_phantom_in_a_long_range_is_seen(now: list[Found]) -> None:
    summary = summarise(_found(120), 50)
    assert summary is not None
    assert not _parsed(summary).unchanged(now)


def test_a_summary_that_no_peer_makes_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="degree 1"):
        _parsed(ReadsSummary(1, 1, (b"h",)))


@pytest.mark.parametrize(
    ("end", "exhausted", "stop"), [("b", True, "b"), ("b", False, "b\x00"), ("", True, ""), ("", False, "")]
)
def test_a_range_that_was_not_read_to_its_end_ends_with_its_last_key(end: str, exhausted: bool, stop: str) -> None:
    assert RangeQuery("n", "a", end, exhausted, (Read("n", "b", (1, 0)),)).stop == stop
