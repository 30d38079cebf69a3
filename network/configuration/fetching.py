"""The configuration that a channel has now, asked of a node."""

from collections.abc import Iterator
from typing import Protocol

from countermark.network.blocks import Block
from countermark.network.blocks.configs import ChannelConfig, read_config
from countermark.network.client import GatewayClient


class BlockSource(Protocol):
    """Whoever has the blocks of one channel: `OrdererClient`, or a peer's by `PeerBlocks`."""

    def newest_block(self) -> Block:
        """Return the last block."""

    def block(self, number: int) -> Block:
        """Return block `number`."""


class PeerBlocks:
    """The blocks of a client's own peer."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def newest_block(self) -> Block:
        """Return the last block that the peer has committed.

        Raises:
            DeliverError: It sent none.
        """
        return self._client.newest_block()

    def block(self, number: int) -> Block:
        """Return block `number`.

        Raises:
            DeliverError: The peer sent none.
        """
        return self._client.block(number)


def fetch_config_block(source: BlockSource) -> Block:
    """Return the block that holds the configuration now: an orderer that joins the channel is given it.

    Whoever asks believes his own node; nothing is verified here.

    Raises:
        DeliverError: The node did not send it.
    """
    newest = source.newest_block()
    return newest if newest.last_config == newest.number else source.block(newest.last_config)


def config_history(source: BlockSource) -> Iterator[Block]:
    """Yield the blocks that hold configurations of the channel, from the present one back to the genesis block.

    Raises:
        DeliverError: The node did not send one.
    """
    block = fetch_config_block(source)
    yield block
    while block.number:
        block = source.block(source.block(block.number - 1).last_config)
        yield block


def fetch_config(source: BlockSource) -> ChannelConfig:
    """Return the configuration of the channel now, as the node `source` has it.

    Raises:
        DeliverError: The node did not send it.
        BlockError: What it sent is no configuration, or one with what is not supported here.
    """
    return read_config(fetch_config_block(source))
