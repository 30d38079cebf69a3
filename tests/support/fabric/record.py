"""Records the blocks of a short market on native Fabric as a fixture: `python -m tests.support.fabric.record`.

The keys that signed them are thrown away with the network. Whoever records anew gets other keys, hence other blocks.
"""

import tempfile
from pathlib import Path

from tests.fixtures.fabric_blocks import RECORDED, pack
from tests.support.fabric.backend import Native
from tests.support.fabric.network import CHAINCODE, fabric_network
from tests.support.fabric.story import CHANNEL, tell
from tests.support.market import SUPERVISOR


def main() -> None:
    """Run a network, have its market trade, and keep all blocks as the supervisor's peer has them."""
    with tempfile.TemporaryDirectory() as folder, fabric_network(Path(folder), CHANNEL) as network:
        network.deploy()
        clients = network.clients()
        tell(Native(clients, f"{CHANNEL}/{CHAINCODE}", live=True), lambda: network.wait_ready())
        supervisor = clients[SUPERVISOR, "client"]
        blocks = [block.serialized for block in supervisor.blocks(0, stop=supervisor.newest_block().number)]
        for client in clients.values():
            client.close()
    RECORDED.write_bytes(pack(blocks))


if __name__ == "__main__":
    main()
