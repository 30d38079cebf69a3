"""The network of one folder as it is operated: natively or in containers, its nodes are joined and asked alike.

Ready is not "the ports are open": just after their start, peers have not heard of one another yet, and no gateway
finds endorsers. Ready is when an endorsement comes through the gateway of every peer here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from countermark.network.client import DeliverError, EndorseError, GatewayClient
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.patience import patiently, while_it_moves
from countermark.network.native import nodes
from countermark.network.native.servers import InUse, Packages
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import administrator, profile
from countermark.network.operations.ordering import FORBIDDEN, newest_block, orderer_clients
from countermark.network.topology import Topology

PROBE = "market.show"
"""Function that anyone may call; its refusal before the market is founded comes from the contracts all the same."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Network(ABC):
    """The network of one folder. Every operation may be run again, and goes on."""

    folder: NetworkFolder
    topology: Topology
    report: Report

    @abstractmethod
    def up(self) -> None:
        """Start the nodes here and have them serve the channel, without chaincode yet.

        Raises:
            RunError: Something does not hold (`preflight`), or one does not start.
            NetworkError: A node refuses, or a file is damaged.
        """

    @abstractmethod
    def serve(self, uses: list[InUse]) -> None:
        """Start the chaincode servers of the packages `uses`, and return when they serve; nodes run on.

        Raises:
            RunError: One does not start.
        """

    @abstractmethod
    def retire(self, uses: list[InUse]) -> None:
        """End the chaincode servers of the packages `uses`, which are in use no more; they drain first.

        Raises:
            RunError: They could not be ended.
        """

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all that is to run here: orderers, peers, chaincode servers."""

    @abstractmethod
    def running(self) -> list[str]:
        """Return the names of what runs.

        Raises:
            RunError: That cannot be told.
        """

    @abstractmethod
    def stop(self, names: Collection[str]) -> list[str]:
        """End those of `names` that run, and return which these were.

        Raises:
            RunError: One could not be ended.
        """

    @abstractmethod
    def start(self, names: Collection[str]) -> None:
        """Start those of `names` that do not run, with the files as they are now, and return when all answer.

        Raises:
            RunError: One does not come up.
        """

    @abstractmethod
    def check_startable(self) -> None:
        """Return if what is stopped can be started again.

        Raises:
            RunError: A program is missing or too old, or the engine does not answer; or the description has changed
                since `generate`.
            TopologyError: The genesis block begins another channel.
        """

    @abstractmethod
    def down(self) -> int:
        """End all that was started from the folder, and return how many ran; ledgers and keys stay.

        Raises:
            RunError: Something could not be ended.
        """

    @abstractmethod
    def hand_over(self, path: Path) -> None:
        """Give `path`, with all below, to the account that the nodes run as."""

    def wait_caught_up(self, peers: Sequence[nodes.PeerNode]) -> None:
        """Return when `peers` have the blocks that the orderers had: before that, they know of no contracts.

        Raises:
            RunError: The orderers do not know the organisation of one.
            LedgerError: No orderer answers, or a peer has not caught up in time.
        """
        for plan in self.topology.here:
            own = [peer for peer in peers if peer.plan is plan]
            with orderer_clients(self.folder, self.topology, plan) as orderers:
                newest = patiently(partial(newest_block, orderers)).number if own else 0
            for peer in own:
                client = GatewayClient(profile(self.folder, self.topology, plan, peer.peer))
                try:
                    while_it_moves(partial(_check_height, client, newest), partial(_height, client))
                finally:
                    client.close()

    def wait_ready(self, chaincode: str = "") -> None:
        """Return when an endorsement comes through the gateway of every peer here; of another market if it is named.

        Raises:
            LedgerError: Not in time; says what the gateway says.
        """
        for plan, peer in self.topology.peers():
            gateway = profile(self.folder, self.topology, plan, peer)
            client = GatewayClient(replace(gateway, chaincode=chaincode or gateway.chaincode))
            try:
                patiently(partial(reach_contracts, client))
            finally:
                client.close()

    @property
    def packages(self) -> Packages:
        """The chaincode packages of the folder."""
        return Packages(self.folder)

    @contextmanager
    def administrators(self) -> Iterator[list[GatewayClient]]:
        """Give a client for `_lifecycle` of the administrator of each organisation here that has peers.

        Raises:
            LifecycleError: There is none.
        """
        with ExitStack() as stack:
            clients = []
            for plan in self.topology.here:
                if plan.peers:
                    gateway = profile(self.folder, self.topology, plan, plan.peers[0])
                    client = GatewayClient(administrator(gateway, self.folder, plan))
                    stack.callback(client.close)
                    clients.append(client)
            if not clients:
                raise LifecycleError("no_peer", "no organisation here has a peer")
            yield clients


def _height(client: GatewayClient) -> int:
    try:
        return client.newest_block().number
    except DeliverError as error:
        if FORBIDDEN not in error.detail:
            raise
        # To the peer of an organisation that joined later, its own clients are strangers until it has that block.
        raise LifecycleError("not_yet", f"{client.profile.gateway} does not know its organisation yet") from error


def _check_height(client: GatewayClient, newest: int) -> None:
    height = _height(client)
    if height < newest:
        raise LifecycleError("not_yet", f"{client.profile.gateway} has block {height} of {newest}")


def reach_contracts(client: GatewayClient) -> None:
    """Return if an endorsement of the contracts comes through the gateway of `client`.

    Raises:
        LedgerError: It does not.
    """
    try:
        client.endorse(PROBE)
    except EndorseError as error:
        if error.market_error is None:
            raise
