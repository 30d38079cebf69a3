"""Bits of a block are flipped, bytes dropped or swapped: a replay finds each, and says in which block."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from countermark.audit.errors import AuditError
from countermark.network.blocks import Block, parse_block
from countermark.network.errors import BlockError, EnvelopeError
from tests.support.figures import show
from tests.support.sizes import size
from tests.unit.audit.chains import Chain

FLIPS = size(400, 10_000)
DAMAGES = ("flip", "flip", "flip", "drop", "swap")


def damaged(data: bytes, how: str, chance: random.Random) -> bytes:
    raw = bytearray(data)
    at = chance.randrange(len(raw) - 1)
    if how == "flip":
        raw[at] ^= 1 << chance.randrange(8)
    elif how == "drop":
        del raw[at]
    else:
        raw[at], raw[at + 1] = raw[at + 1], raw[at]
    return bytes(raw)


def says_the_same(one: Block, original: Block) -> bool:
    """Whether nothing differs that anybody reads: only the framing of empty metadata, or metadata of the first block.

    That block is known by its header's hash, and nobody has signed it.
    """
    one = replace(one, serialized=original.serialized)
    if original.number == 0:
        one = replace(one, signed_metadata=original.signed_metadata, orderer_signatures=original.orderer_signatures)
    return one == original


def found(chain: Chain, number: int, data: bytes) -> str:
    """Return how the block `number` with other bytes is found, "" where it says what it said."""
    try:
        block = parse_block(data)
    except (EnvelopeError, BlockError):
        return "unreadable"
    if says_the_same(block, chain.blocks[number]):
        return ""
    with pytest.raises(AuditError) as caught:
        chain.replay([*chain.blocks[:number], block, *chain.blocks[number + 1 :]])
    # A block in the wrong place is told by the number that it claims.
    assert caught.value.block == (block.number if caught.value.code == "wrong_number" else number), caught.value
    return caught.value.code


@pytest.mark.requirement("R67")
@pytest.mark.timeout(7_200)
def test_damage_anywhere_in_a_block_is_found_and_located(chain: Chain) -> None:
    chance = random.Random(17)
    codes: Counter[str] = Counter()
    while codes.total() - codes[""] < FLIPS:
        number = chance.randrange(len(chain.blocks))
        data = chain.blocks[number].serialized
        changed = damaged(data, chance.choice(DAMAGES), chance)
        if changed != data:
            codes[found(chain, number, changed)] += 1
    same = codes.pop("", 0)
    assert same <= FLIPS // 50, "next to nothing in a block says nothing"
    show(
        f"tampering with blocks: {codes.total():,} flipped, dropped and swapped bytes, all found and located, by "
        f"{', '.join(sorted(codes))}; {same} changed nothing that anybody reads"
    )


def test_every_bit_of_a_header_is_held(chain: Chain) -> None:
    data = chain.blocks[2].serialized
    header = 2 + data[1]
    codes: Counter[str] = Counter()
    for place in range(header * 8):
        raw = bytearray(data)
        raw[place // 8] ^= 1 << (place % 8)
        codes[found(chain, 2, bytes(raw))] += 1
    assert codes[""] == 0
    assert {"broken_chain", "data_hash_mismatch", "wrong_number"} <= set(codes)
