"""Four orderers of native Fabric that agree by BFT: their blocks hold, and hold only with a quorum's signatures."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from countermark.network.blocks import (
    Block,
    ChannelConfig,
    read_config,
    verify_data_hash,
    verify_last_config,
    verify_link,
    verify_orderers,
)
from countermark.network.configuration import consenters, with_batch, without_consenter
from countermark.network.errors import BlockError
from countermark.network.genesis import Batch
from countermark.network.topology import Consensus
from tests.support.fabric.changes import ORDERER, Channel
from tests.support.fabric.network import FabricNetwork, fabric_network, small_description
from tests.support.market import PLATFORM

pytestmark = pytest.mark.fabric

CHANNEL = "bft"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FabricNetwork]:
    """A network on whose channel the market's chaincode has been agreed, which takes five transactions."""
    description = small_description(CHANNEL, orderers=4, consensus=Consensus.BFT)
    with fabric_network(tmp_path_factory.mktemp("bft"), CHANNEL, description=description) as network:
        network.deploy()
        yield network


@pytest.fixture(scope="module")
def blocks(network: FabricNetwork) -> list[Block]:
    with closing(network.client(PLATFORM)) as client:
        return list(client.blocks(0, stop=client.newest_block().number))


@pytest.fixture(scope="module")
def config(blocks: list[Block]) -> ChannelConfig:
    return read_config(blocks[0])


def test_every_block_is_signed_by_a_quorum_of_numbered_consenters(blocks: list[Block], config: ChannelConfig) -> None:
    assert len(blocks) >= 3
    assert set(config.consenters) == {1, 2, 3, 4}
    previous = blocks[0]
    for block in blocks[1:]:
        verify_link(block, number=previous.number + 1, previous_hash=previous.header_hash)
        verify_data_hash(block)
        verify_last_config(block, last_config=0)
        assert len(verify_orderers(block, config)) >= 3
        assert {one.consenter for one in block.orderer_signatures} <= {1, 2, 3, 4}
        previous = block


def test_two_of_four_are_no_quorum_even_if_they_sign_twice(blocks: list[Block], config: ChannelConfig) -> None:
    block = blocks[-1]
    two = block.orderer_signatures[:2]
    for signatures in (two, two * 2):
        with pytest.raises(BlockError, match="too few orderers signed: 2"):
            verify_orderers(replace(block, orderer_signatures=signatures), config)


def test_a_signature_under_another_consenters_number_does_not_count(
    blocks: list[Block], config: ChannelConfig
) -> None:
    block = blocks[-1]
    first, second, third, *_ = block.orderer_signatures
    for number in (first.consenter, 9):
        moved = replace(block, orderer_signatures=(first, second, replace(third, consenter=number)))
        with pytest.raises(BlockError, match="too few orderers signed: 2"):
            verify_orderers(moved, config)


def test_its_configuration_is_changed_and_a_consenter_leaves(network: FabricNetwork) -> None:
    *_, (_, last) = network.topology.orderers()
    with closing(Channel(network)) as channel:
        channel.change(lambda config: with_batch(config, Batch(max_messages=33)), ORDERER)
        channel.change(lambda config: without_consenter(config, last.endpoint), ORDERER)
        channel.change(lambda config: with_batch(config, Batch(max_messages=44)), ORDERER)
        assert len(consenters(channel.config)) == 3
        assert set(channel.config.consenters) == {1, 2, 3}
