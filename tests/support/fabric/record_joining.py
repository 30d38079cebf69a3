"""Records the blocks of a channel that an organisation joins: `python -m tests.support.fabric.record_joining`."""

import tempfile
from pathlib import Path

from tests.fixtures.fabric_blocks import JOINED, pack
from tests.support.fabric.joining import CHANNEL, tell
from tests.support.fabric.network import fabric_network


def main() -> None:
    """Run a network, have a fourth organisation join its market, and keep all blocks as its peer has them."""
    with tempfile.TemporaryDirectory() as folder, fabric_network(Path(folder), CHANNEL) as network:
        blocks = tell(network)
    JOINED.write_bytes(pack([block.serialized for block in blocks]))


if __name__ == "__main__":
    main()
