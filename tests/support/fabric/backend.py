"""Native Fabric as a backend of the contract suite: a chaincode of its own on the same channel for every market."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from countermark.network.client import CommitStatus, Endorsed, GatewayClient
from countermark.network.envelopes import Proposal
from countermark.network.genesis import Batch
from countermark.network.lifecycle.patience import patiently
from tests.support.fabric.network import CHAINCODE, NAMES, FabricNetwork
from tests.support.fabric.patience import settled, submit
from tests.support.gateway_backend import Client, OverGateways

DECADE_S = 10 * 365 * 86_400
CHANNEL = "contracts"


class Native(OverGateways):
    """One market on native Fabric. A transaction has happened when all peers have it: a test may ask any of them."""

    _gathered: list[tuple[GatewayClient, Endorsed]] | None = None

    def endorse(self, client: GatewayClient, proposal: Proposal, organisations: tuple[str, ...] = ()) -> Endorsed:
        return patiently(lambda: super(Native, self).endorse(client, proposal, organisations))

    def commit(self, client: GatewayClient, endorsed: Endorsed) -> None:
        if self._gathered is None:
            super().commit(client, endorsed)
        else:
            self._gathered.append((client, endorsed))

    def finish(self, client: GatewayClient, endorsed: Endorsed) -> CommitStatus:
        return self.finish_all([(client, endorsed)])[0]

    def finish_all(self, transactions: Sequence[tuple[GatewayClient, Endorsed]]) -> list[CommitStatus]:
        """Submit all `transactions` at once, so that they come into few blocks, and return how they ended."""
        for client, endorsed in transactions:
            submit(client, endorsed)
        clients = [self.clients[msp_id, "client"] for msp_id in NAMES]
        return [settled(clients, endorsed.tx_id) for _, endorsed in transactions]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Have whatever is submitted in the context, none of which may need another, committed at its end."""
        self._gathered = gathered = []
        yield
        self._gathered = None
        for status in self.finish_all(gathered):
            status.check()


class NativeMarkets:
    """The network that all tests of a run share; peers accept any timestamp, by which tests let time pass."""

    def __init__(self, directory: Path) -> None:
        # Nothing is to wait for company: a block for every transaction.
        batch = Batch(max_messages=1)
        self.network = FabricNetwork(directory, CHANNEL, batch=batch, time_window_s=DECADE_S)
        self._started = False
        self._numbers = count(1)
        self._clients: dict[Client, GatewayClient] = {}

    def fresh(self) -> Native:
        """Return a market that has not been founded."""
        if not self._started:
            self._started = True
            self.network.start()
        name = f"{CHAINCODE}-{next(self._numbers)}"
        self.network.deploy(name)
        self._close_clients()
        self._clients = self.network.clients(name)
        return Native(self._clients, f"{CHANNEL}/{name}")

    def close(self) -> None:
        """End all processes."""
        self._close_clients()
        self.network.close()

    def _close_clients(self) -> None:
        for client in self._clients.values():
            client.close()
