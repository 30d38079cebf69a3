"""A network of Fabric that `countermark network` runs from its own folder: here it is only used."""

from dataclasses import replace
from pathlib import Path

from countermark.cli.up.data import DataFolder
from countermark.cli.up.founding import Parties
from countermark.cli.up.processes import ProcessSpec
from countermark.network.native.errors import RunError
from countermark.network.nodes.generation import profile
from countermark.network.nodes.writing import write_changed
from countermark.network.operations.contracts import Contracts
from countermark.network.operations.network import Network
from countermark.network.topology import Mode, OrganisationPlan, Part


class FabricLedger:
    """The market ``chaincode`` on the network of a folder; the network's own market if that is empty."""

    kind = "fabric"

    def __init__(
        self, network: Network, data: DataFolder, *, chaincode: str = "", member: OrganisationPlan | None = None
    ) -> None:
        """``member`` is the organisation whose gateway is to stand on it, if that is not the platform's."""
        self._network = network
        self._topology = network.topology
        self._chaincode = chaincode or network.topology.chaincode
        self._data = data
        self._member = member

    @property
    def market(self) -> str:
        """Channel/chaincode."""
        return f"{self._topology.channel}/{self._chaincode}"

    @property
    def guard_s(self) -> int:
        """The peers' time window, in seconds."""
        return self._topology.time_window_s

    @property
    def parties(self) -> Parties:
        """Which organisation of the description plays which part."""
        return Parties.of(self._topology)

    @property
    def genesis(self) -> Path:
        """File of the channel's genesis block."""
        return self._network.folder.genesis

    @property
    def connections(self) -> Path:
        """Folder of the connection files of this market."""
        return self._data.network / "connection"

    def processes(self) -> list[ProcessSpec]:
        """Return none: the network runs already, and goes on running.

        Raises:
            RunError: It does not run.
        """
        if self._topology.mode is Mode.COMPOSE:
            return []  # a platform need not ask the engine, and may not be allowed to
        away = set(self._network.names()) - set(self._network.running())
        if away:
            raise RunError("not_running", f"{', '.join(sorted(away))}: `countermark network up` starts them")
        return []

    def ready(self) -> None:
        """Write the connection files, and return when the contracts can be called through each.

        A market of another name than the network's own is brought onto the channel first, by the platform.

        Raises:
            NetworkError: A node refuses.
            LedgerError: A peer or an orderer refuses, or gives no answer in time.
        """
        if self._chaincode != self._topology.chaincode and self._member is None:
            Contracts(self._network).deploy_also(self._chaincode)
        for plan, peer in self._topology.peers():
            made = replace(profile(self._network.folder, self._topology, plan, peer), chaincode=self._chaincode)
            first = peer is plan.peers[0]
            write_changed(self.connections / f"{plan.name if first else peer.name}.json", made.dumps().encode())
        self._network.wait_ready(self._chaincode)

    def gateways(self) -> list[Path]:
        """Return the connection files of the platform's and the supervisor's peers, as far as their keys are here.

        A member's gateway asks the peers of that member alone.
        """
        parts = [self._topology.part(part) for part in (Part.PLATFORM, Part.SUPERVISOR)]
        mine = parts if self._member is None else [self._member]
        return [
            self.connections / f"{plan.name if peer is plan.peers[0] else peer.name}.json"
            for plan in mine
            if plan.here
            for peer in plan.peers
        ]
