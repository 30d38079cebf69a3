"""The embedded peer as a backend of the contract suite: real blocks, one chaincode process per organisation."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countermark.network.client import EndorseError, EvaluateError, GatewayClient
from countermark.network.embedded.material import generate
from countermark.network.embedded.ordering import Batching
from tests.support.backends import Committed
from tests.support.embedded import EmbeddedNetwork
from tests.support.market import PLATFORM, SUPERVISOR, TRADER

SERVER = Path(__file__).resolve().parents[2] / "chaincode" / "server.py"
DECADE_MS = 10 * 365 * 86_400_000


class Channels:
    """Processes that all tests of a run share. Chaincode keeps no state, so a new channel needs only a new peer."""

    def __init__(self, directory: Path) -> None:
        # The peer must accept any timestamp, for it is by them that tests let time pass.
        generate(directory, time_window_ms=DECADE_MS, batching=Batching(window_ms=1))
        self._network = EmbeddedNetwork(directory, script=SERVER)
        self._clients: dict[str, GatewayClient] = {}

    def fresh(self) -> "Embedded":
        """Return a channel on which nothing has happened."""
        if self._network.peer is None:
            self._network.start()
        else:
            self._close_clients()
            self._network.peer.end()
            shutil.rmtree(self._network.material.layout.ledger)
            self._network.start_peer()
        names = {PLATFORM: "platform", SUPERVISOR: "supervisor", TRADER: "trader"}
        self._clients = {msp: GatewayClient(self._network.profile(name)) for msp, name in names.items()}
        return Embedded(self._clients)

    def close(self) -> None:
        """End all processes."""
        self._close_clients()
        self._network.close()

    def _close_clients(self) -> None:
        for client in self._clients.values():
            client.close()


class Embedded:
    """One channel of the embedded peer; time passes by later timestamps of proposals."""

    second_s = 1.0

    def __init__(self, clients: Mapping[str, GatewayClient]) -> None:
        self.market = "market/countermark"
        self._clients = clients
        self._ahead_ms = 0

    @property
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def submit(
        self,
        msp: str,
        function: str,
        *args: str,
        transient: Mapping[str, bytes] | None = None,
        certificate: bytes = b"",
    ) -> Committed:
        assert not certificate, "the peer sees the certificate of the client that submits"
        client = self._clients[msp]
        proposal = client.prepare(function, args, transient, now_ms=self.now_ms)
        organisations = (PLATFORM, SUPERVISOR) if transient else ()
        try:
            endorsed = client.endorse_proposal(proposal, endorsing_organisations=organisations)
        except EndorseError as error:
            raise error.market_error or error from None
        client.submit(endorsed.tx_id, endorsed.envelope)
        client.commit_status(endorsed.tx_id).check()
        return Committed(endorsed.tx_id, json.loads(endorsed.result))

    def evaluate(self, msp: str, function: str, *args: str) -> Any:
        try:
            return json.loads(self._clients[msp].evaluate(function, args))
        except EvaluateError as error:
            raise error.market_error or error from None

    def hold(self, msp: str, function: str, *args: str) -> object:
        client = self._clients[msp]
        return client, client.endorse_proposal(client.prepare(function, args, now_ms=self.now_ms))

    def release(self, envelope: object) -> str:
        assert isinstance(envelope, tuple)
        client, endorsed = envelope
        client.submit(endorsed.tx_id, endorsed.envelope)
        name: str = client.commit_status(endorsed.tx_id).code_name
        return name

    def wait(self, seconds: float) -> None:
        self._ahead_ms += round(seconds * 1000)
