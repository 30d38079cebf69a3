"""The market's contracts on a network that runs: deployed, upgraded, a second market beside the first.

Each operation goes as far as the organisations of the folder can; run again, it goes on where it stopped.
"""

from countermark.network.client import GatewayClient
from countermark.network.lifecycle.approve import approved_package
from countermark.network.lifecycle.commit import Committed, committed
from countermark.network.lifecycle.definition import Definition, market_definition
from countermark.network.lifecycle.deployment import Progress, bring_about, install_on
from countermark.network.lifecycle.patience import patiently
from countermark.network.lifecycle.wire import Agreement, agreement
from countermark.network.native import nodes
from countermark.network.native.errors import RunError
from countermark.network.operations.network import Network
from countermark.network.topology import Part


class Contracts:
    """The market's contracts on the network of one folder."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._topology = network.topology

    def deploy(self) -> Progress:
        """Bring the market's contracts onto the channel, as far as the organisations here can.

        Where a definition is in force already, that one is approved for the organisations here, and whatever an
        upgrade has left of its predecessor ends.

        Raises:
            RunError: A chaincode server does not start.
            NetworkError: A peer refuses.
            LedgerError: A peer or an orderer refuses, or gives no answer in time.
        """
        with self._network.administrators() as clients:
            current = self._in_force(clients[0])
            if current is None:
                return self._bring_about(clients, agreement(self.definition(self._topology.version)), 1)
            self._retire_older(current.sequence)
            return self._bring_about(clients, current.agreement, current.sequence)

    def upgrade(self, version: str) -> Progress:
        """Bring the code that is installed here, and what the description says, into force as `version`.

        The present servers go on until the peers here have the new definition, so what is under way ends with them.
        Where organisations elsewhere have yet to approve, both go on; run it again to go on.

        Raises:
            RunError: There are no contracts to upgrade, or a chaincode server does not start.
            NetworkError: A peer refuses.
            LedgerError: A peer or an orderer refuses, or gives no answer in time.
        """
        wanted = agreement(self.definition(version))
        with self._network.administrators() as clients:
            current = self._in_force(clients[0])
            if current is None:
                raise RunError("not_deployed", "`countermark network up` brings the contracts onto the channel")
            # Of what the channel has left behind, also while this folder was not looking.
            retired = self._retire_older(current.sequence)
            if current.agreement == wanted:
                return self._finish_upgrade(clients, current, done=not retired)
            progress = self._bring_about(clients, wanted, current.sequence + 1)
        if progress.committed:
            self._network.wait_ready()
            self._retire_older(progress.sequence)
        return progress

    def deploy_also(self, name: str) -> None:
        """Bring a second market onto the channel: the same contracts, by the same servers, under another `name`.

        Raises:
            RunError: The network's own is not there yet, or organisations elsewhere have yet to approve.
            NetworkError: A peer refuses.
            LedgerError: A peer or an orderer refuses, or gives no answer in time.
        """
        uses = self._network.packages.in_use()
        if not uses:
            raise RunError("not_deployed", "`countermark network up` brings the contracts onto the channel")
        definition = self.definition(self._topology.version, name)
        with self._network.administrators() as clients:
            wanted = agreement(definition)
            progress = bring_about(clients, wanted, sequence=1, package_id=uses[-1].package.id)
        if not progress.committed:
            raise RunError("not_approved", f"{', '.join(progress.missing)} have yet to approve {name}")

    def definition(self, version: str, name: str = "") -> Definition:
        """Return the definition that the description asks for."""
        topology = self._topology
        return market_definition(
            name or topology.chaincode,
            version,
            topology.msp_ids,
            platform=topology.part(Part.PLATFORM).msp_id,
            supervisor=topology.part(Part.SUPERVISOR).msp_id,
            policy=topology.endorsement,
        )

    def _finish_upgrade(self, clients: list[GatewayClient], current: Committed, *, done: bool) -> Progress:
        """Approve for the organisations here what the others have brought into force, if they have not."""
        uses = self._network.packages.in_use()
        approved = [approved_package(one, current.agreement.name, sequence=current.sequence) for one in clients]
        if done and [use.sequence for use in uses] == [current.sequence] and all(approved):
            self._network.report(f"{current.agreement.version} is in force already; new contracts need a new version")
            return Progress(current.sequence, True)
        progress = self._bring_about(clients, current.agreement, current.sequence)
        self._network.wait_ready()
        return progress

    def _in_force(self, lifecycle: GatewayClient) -> Committed | None:
        return patiently(lambda: committed(lifecycle, self._topology.chaincode))

    def _bring_about(self, clients: list[GatewayClient], wanted: Agreement, sequence: int) -> Progress:
        use = self._network.packages.add(self._topology, sequence, version=wanted.version)
        self._network.serve(self._network.packages.in_use())
        install_on([peer.access for peer in nodes.peers(self._network.folder, self._topology)], use.package)
        progress = bring_about(clients, wanted, sequence=sequence, package_id=use.package.id)
        if progress.committed:
            self._network.report(f"{wanted.name} {wanted.version} is in force, sequence {sequence}")
        return progress

    def _retire_older(self, sequence: int) -> int:
        """End the servers of packages before that of `sequence`, which drain first, and return how many packages.

        A later one is being prepared.
        """
        older = [use for use in self._network.packages.in_use() if use.sequence < sequence]
        self._network.packages.keep_from(sequence)
        self._network.retire(older)
        return len(older)
