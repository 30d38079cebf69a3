"""Where one envelope of a block ends and the next begins: the data hash does not say, so the envelopes must."""

from collections.abc import Callable

import pytest
from fabric_protos.common import common_pb2

from countermark.network.blocks import Block, data_hash, parse_block, verify_data_hash
from countermark.network.errors import BlockError
from tests.fixtures.fabric_blocks import recorded
from tests.unit.network.consortium import Network

BLOCKS = list(recorded())
TWO = next(block for block in BLOCKS if len(block.transactions) == 2)
"""A block of native Fabric with two transactions."""


def recut(block: Block, cut: Callable[[list[bytes]], list[bytes]], codes: bytes | None = None) -> Block:
    """Return `block` with the same bytes cut into other envelopes; header, hashes and signatures hold."""
    wire = common_pb2.Block.FromString(block.serialized)
    envelopes = list(wire.data.data)
    pieces = cut(envelopes)
    assert data_hash(pieces) == block.data_hash
    del wire.data.data[:]
    wire.data.data.extend(pieces)
    wire.metadata.metadata[2] = bytes([4] * len(pieces)) if codes is None else codes
    return parse_block(wire.SerializeToString())


def split(raw: bytes) -> list[bytes]:
    """Cut an envelope between payload and signature: each piece is an envelope that lacks the other's field."""
    payload = common_pb2.Envelope(payload=common_pb2.Envelope.FromString(raw).payload).SerializeToString()
    assert raw.startswith(payload)
    return [payload, raw[len(payload) :]]


def split_each(all_: list[bytes]) -> list[bytes]:
    return [piece for one in all_ for piece in split(one)]


def split_the_first(all_: list[bytes]) -> list[bytes]:
    return [*split(all_[0]), *all_[1:]]


def join(all_: list[bytes]) -> list[bytes]:
    """One envelope that every decoder reads as the last of them."""
    return [b"".join(all_)]


def join_with_a_signature_cut_off(all_: list[bytes]) -> list[bytes]:
    first, second = all_
    payload, signature = split(second)
    return [first + payload, signature]


def cut_anywhere(all_: list[bytes]) -> list[bytes]:
    whole = b"".join(all_)
    return [whole[:100], whole[100:]]


def add_nothing(all_: list[bytes]) -> list[bytes]:
    return [*all_, b""]


CUTS = [split_each, split_the_first, join, join_with_a_signature_cut_off, cut_anywhere, add_nothing]


@pytest.mark.parametrize("cut", CUTS)
def test_a_block_cut_into_other_envelopes_is_found(cut: Callable[[list[bytes]], list[bytes]]) -> None:
    forged = recut(TWO, cut)
    assert forged.header_hash == TWO.header_hash
    with pytest.raises(BlockError, match="not_well_formed") as caught:
        verify_data_hash(forged)
    assert caught.value.block == TWO.number
    assert caught.value.transaction is not None


def test_blocks_as_orderers_make_them_hold() -> None:
    for block in BLOCKS:
        verify_data_hash(block)


def test_only_a_configuration_alone_in_its_block_may_be_unsigned(network: Network) -> None:
    genesis = network.genesis()
    assert common_pb2.Envelope.FromString(genesis.transactions[0].raw).signature == b""
    verify_data_hash(genesis)
    beside = network.block(1, b"p", [genesis.transactions[0].raw, network.transaction(network.propose())])
    with pytest.raises(BlockError, match="not_well_formed"):
        verify_data_hash(beside)


def test_an_empty_block_is_none(network: Network) -> None:
    with pytest.raises(BlockError, match="without transactions"):
        verify_data_hash(network.block(1, b"p", []))
