"""The embedded peer as a backend of the contract suite: real blocks, one chaincode process per organisation."""

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from countermark.network.client import ConnectionProfile, EndorseError, EvaluateError, GatewayClient
from countermark.network.embedded.material import generate
from countermark.network.embedded.ordering import Batching
from tests.support.backends import Committed
from tests.support.embedded import EmbeddedNetwork
from tests.support.market import PLATFORM, SUPERVISOR, TRADER

SERVER = Path(__file__).resolve().parents[2] / "chaincode" / "server.py"
DECADE_MS = 10 * 365 * 86_400_000

Client = tuple[str, str]
"""MSP and organisational unit."""


class Channels:
    """Processes that all tests of a run share. Chaincode keeps no state, so a new channel needs only a new peer."""

    def __init__(self, directory: Path) -> None:
        # The peer must accept any timestamp, for it is by them that tests let time pass.
        generate(directory, time_window_ms=DECADE_MS, batching=Batching(window_ms=1))
        self._network = EmbeddedNetwork(directory, script=SERVER)
        self._clients: dict[Client, GatewayClient] = {}

    def fresh(self) -> "Embedded":
        """Return a channel on which nothing has happened."""
        if self._network.peer is None:
            self._network.start()
        else:
            self._close_clients()
            self._network.peer.end()
            shutil.rmtree(self._network.material.layout.ledger)
            self._network.start_peer()
        self._clients = {
            (msp, unit): GatewayClient(self._profile(organisation, member))
            for msp, organisation in {PLATFORM: "platform", SUPERVISOR: "supervisor", TRADER: "trader"}.items()
            for unit, member in {"client": "gateway", "admin": "admin"}.items()
        }
        return Embedded(self._clients)

    def close(self) -> None:
        """End all processes."""
        self._close_clients()
        self._network.close()

    def _profile(self, organisation: str, member: str) -> ConnectionProfile:
        folder = self._network.material.organisation(organisation).directory / "identities" / member
        profile = self._network.profile(organisation)
        return replace(profile, cert_file=folder / "cert.pem", key_file=folder / "key.pem")

    def _close_clients(self) -> None:
        for client in self._clients.values():
            client.close()


class Embedded:
    """One channel of the embedded peer; its clock stands still but for `wait`, as in memory."""

    def __init__(self, clients: Mapping[Client, GatewayClient]) -> None:
        self.market = "market/countermark"
        self._clients = clients
        self.now_ms = time.time_ns() // 1_000_000

    def submit(
        self,
        msp: str,
        function: str,
        *args: str,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
    ) -> Committed:
        client = self._clients[msp, unit]
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
            return json.loads(self._clients[msp, "client"].evaluate(function, args))
        except EvaluateError as error:
            raise error.market_error or error from None

    def hold(self, msp: str, function: str, *args: str) -> object:
        client = self._clients[msp, "client"]
        return client, client.endorse_proposal(client.prepare(function, args, now_ms=self.now_ms))

    def release(self, envelope: object) -> str:
        assert isinstance(envelope, tuple)
        client, endorsed = envelope
        client.submit(endorsed.tx_id, endorsed.envelope)
        name: str = client.commit_status(endorsed.tx_id).code_name
        return name

    def wait(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)
