"""Long range reads as Fabric sums them up: a Merkle tree over the keys and versions that were found.

Above `max_degree` reads a peer puts the hashes of the tree's top level in place of the reads. Each hash below the top
stands for `max_degree` + 1 entries of the level under it, reads at the bottom (rwsetutil.RangeQueryResultsHelper).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from countermark.network.envelopes.wire import encode

_Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ReadsSummary:
    """The top of the tree: its level, counted from 1, and the hashes there (kvrwset.QueryReadsMerkleSummary)."""

    max_degree: int
    level: int
    hashes: tuple[bytes, ...] = field(repr=False)


def summarise(reads: Sequence[tuple[str, _Version]], max_degree: int) -> ReadsSummary | None:
    """Return the summary of `reads`, keys with their versions in order; None if they are too few for one.

    `max_degree` is at least 2.
    """
    if len(reads) <= max_degree:
        return None
    width = max_degree + 1
    levels = [[_leaf(reads[start : start + width]) for start in range(0, len(reads), width)]]
    # Fabric builds the tree while it reads: every full group moves up at once, and at the end what is left over below
    # the level that was reached moves up too, a single hash as it is.
    while len(levels[-1]) >= width:
        full = len(levels[-1]) - len(levels[-1]) % width
        groups = [_join(levels[-1][start : start + width]) for start in range(0, full, width)]
        levels[-1] = levels[-1][full:]
        levels.append(groups)
    carried: list[bytes] = []
    for hashes in levels[:-1]:
        left = hashes + carried
        carried = [] if not left else [left[0] if len(left) == 1 else _join(left)]
    top, level = levels[-1] + carried, len(levels)
    if len(top) > max_degree:
        top, level = [_join(top)], level + 1
    return ReadsSummary(max_degree, level, tuple(top))


def _leaf(reads: Sequence[tuple[str, _Version]]) -> bytes:
    message = kv_rwset_pb2.QueryReads(
        kv_reads=[
            kv_rwset_pb2.KVRead(key=key, version=kv_rwset_pb2.Version(block_num=block, tx_num=position))
            for key, (block, position) in reads
        ]
    )
    return hashlib.sha256(encode(message)).digest()


def _join(hashes: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"".join(hashes)).digest()
