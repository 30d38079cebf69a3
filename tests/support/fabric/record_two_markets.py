"""Records the blocks of a channel with two markets: `python -m tests.support.fabric.record_two_markets`."""

import tempfile
from pathlib import Path

from tests.fixtures.fabric_blocks import TWO_MARKETS, pack
from tests.support.fabric.backend import Native
from tests.support.fabric.network import CHAINCODE, fabric_network
from tests.support.fabric.story import Founded
from tests.support.market import SUPERVISOR

CHANNEL, OTHER = "shared", "other"


def main() -> None:
    """Found two markets one after the other, with the same parties, and keep all blocks."""
    with tempfile.TemporaryDirectory() as folder, fabric_network(Path(folder), CHANNEL) as network:
        for name in (OTHER, CHAINCODE):
            network.deploy(name)
            clients = network.clients(name)
            Founded(Native(clients, f"{CHANNEL}/{name}", live=True))
            network.wait_ready(name)
            supervisor = clients[SUPERVISOR, "client"]
            blocks = [block.serialized for block in supervisor.blocks(0, stop=supervisor.newest_block().number)]
            for client in clients.values():
                client.close()
    TWO_MARKETS.write_bytes(pack(blocks))


if __name__ == "__main__":
    main()
