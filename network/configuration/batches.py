"""When the orderers of a channel cut a block."""

from countermark.network.blocks.configs import ChannelConfig
from countermark.network.configuration.editing import ORDERER, changed
from countermark.network.genesis import Batch
from countermark.network.genesis.groups import set_batch


def with_batch(config: ChannelConfig, batch: Batch) -> ChannelConfig:
    """Return `config` with other limits of a block."""
    return changed(config, lambda root: set_batch(root.groups[ORDERER], batch))
