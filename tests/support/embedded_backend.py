"""The embedded peer as a backend of the contract suite: real blocks, one chaincode process per organisation."""

import shutil
from dataclasses import replace
from pathlib import Path

from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.network.embedded.material import ORGANISATIONS, generate
from countermark.network.embedded.ordering import Batching
from tests.support.embedded import EmbeddedNetwork
from tests.support.gateway_backend import ALSO_ASKED, UNITS, Client, OverGateways

SERVER = Path(__file__).resolve().parents[2] / "chaincode" / "server.py"
DECADE_MS = 10 * 365 * 86_400_000
_NAMES = {msp: name for name, msp in ORGANISATIONS}


class Channels:
    """Processes that all tests of a run share. Chaincode keeps no state, so a new channel needs only a new peer."""

    def __init__(self, directory: Path) -> None:
        # The peer must accept any timestamp, for it is by them that tests let time pass.
        generate(directory, time_window_ms=DECADE_MS, batching=Batching(window_ms=1))
        self.network = EmbeddedNetwork(directory, script=SERVER)
        self._clients: dict[Client, GatewayClient] = {}

    def fresh(self) -> OverGateways:
        """Return a channel on which nothing has happened."""
        if self.network.peer is None:
            self.network.start()
        else:
            self._close_clients()
            self.network.peer.end()
            shutil.rmtree(self.network.material.layout.ledger)
            self.network.start_peer()
        self._clients = {
            (msp, unit): GatewayClient(*(self._profile(one, member) for one in (msp, *ALSO_ASKED.get(msp, ()))))
            for _, msp in ORGANISATIONS
            for unit, member in UNITS.items()
        }
        return OverGateways(self._clients)

    def close(self) -> None:
        """End all processes."""
        self._close_clients()
        self.network.close()

    def _profile(self, msp: str, member: str) -> ConnectionProfile:
        organisation = _NAMES[msp]
        folder = self.network.material.organisation(organisation).directory / "identities" / member
        profile = self.network.profile(organisation)
        return replace(profile, cert_file=folder / "cert.pem", key_file=folder / "key.pem")

    def _close_clients(self) -> None:
        for client in self._clients.values():
            client.close()
