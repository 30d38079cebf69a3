"""The embedded peer as a whole: ledger, ordering, one endpoint and one chaincode connection per organisation."""

import asyncio
import fcntl
import logging
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fabric_protos.gateway import gateway_pb2_grpc
from fabric_protos.orderer import ab_pb2_grpc
from fabric_protos.peer import events_pb2_grpc, peer_pb2_grpc

from countermark.network.blocks import parse_block, read_config
from countermark.network.client.profile import ConnectionProfile
from countermark.network.embedded import connections, endpoints
from countermark.network.embedded.chaincode.link import ChaincodeLink, ChaincodeServer
from countermark.network.embedded.collecting import Collector, EndorsingPeer
from countermark.network.embedded.committing import Committer, commit_genesis
from countermark.network.embedded.endorsement import Endorser, Gatekeeper
from countermark.network.embedded.errors import SettingsError, StorageError
from countermark.network.embedded.following import Followers
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.material import ORDERER
from countermark.network.embedded.membership import Membership
from countermark.network.embedded.ordering import Orderer
from countermark.network.embedded.services.broadcast import BroadcastService
from countermark.network.embedded.services.deliver import BlockStreams, DeliverService
from countermark.network.embedded.services.endorser import EndorserService
from countermark.network.embedded.services.gateway import GatewayService
from countermark.network.embedded.settings import Layout, OrganisationSettings, Settings
from countermark.network.embedded.systemchaincodes import SystemChaincodes
from countermark.network.embedded.validation import Validator
from countermark.network.errors import BlockError, EnvelopeError
from countermark.network.identities import Consortium, Organisation
from countermark.network.identities.files import make_directory

_LOGGER = logging.getLogger(__name__)
_GRACE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Peer:
    """What serves one organisation."""

    name: str
    organisation: Organisation
    link: ChaincodeLink
    server: Any
    address: str


class Node:
    """The embedded peer of a folder that `material.generate` has made; made by `open`."""

    def __init__(self, layout: Layout, settings: Settings, lock: int, ledger: Ledger) -> None:
        """Take the locked folder and its open ledger. The node belongs to the running event loop.

        Raises:
            StorageError: The ledger is not of this channel.
            IdentityError: Key material is missing or damaged.
        """
        self.ended = asyncio.Event()
        """Set when the node is to be stopped: by whoever wants that, or because the ledger cannot go on."""
        self.failed = False
        """True if the ledger cannot go on in this process; the next one catches up from the blocks."""
        self._loop = asyncio.get_running_loop()
        self._layout = layout
        self._settings = settings
        self._lock = lock
        self._ledger = ledger
        self._membership = Membership(_organisations(ledger, settings.channel))
        self._followers = Followers(ledger)
        self._orderer = self._make_orderer()
        self._peers: list[_Peer] = []

    @classmethod
    async def open(cls, layout: Layout, settings: Settings) -> "Node":
        """Open the ledger, and take the ports; nothing is served yet. If that fails, nothing is left open.

        Raises:
            SettingsError: Another process uses the folder, a port is taken, or files are missing.
            StorageError: The stored blocks do not hold together, or a database is damaged.
            IdentityError: Key material is missing or damaged.
        """
        async with AsyncExitStack() as opened:
            lock = _lock(layout.ledger)
            opened.callback(os.close, lock)
            ledger = _open_ledger(layout)
            opened.callback(ledger.close)
            node = cls(layout, settings, lock, ledger)
            opened.push_async_callback(node._release_ports)
            node._take_ports()
            node._add_services()
            opened.pop_all()
        return node

    async def start(self, *, chaincode_wait_s: float) -> list[str]:
        """Serve, wait for the chaincode servers, then publish the connection profiles.

        Returns:
            The MSP ids whose chaincode is still away after `chaincode_wait_s`; it is dialled further.
        """
        connections.withdraw(self._layout.connection)
        self._orderer.start()
        for peer in self._peers:
            peer.link.start()
            await peer.server.start()
        _LOGGER.info("endpoints answer at %s", ", ".join(peer.address for peer in self._peers))
        ready = await asyncio.gather(*(peer.link.wait_ready(chaincode_wait_s) for peer in self._peers))
        connections.publish(self._layout.connection, [(peer.name, self._profile(peer)) for peer in self._peers])
        return [peer.link.msp_id for peer, is_ready in zip(self._peers, ready, strict=True) if not is_ready]

    async def stop(self) -> None:
        """Commit what has been ordered, send everybody away, and close the ledger."""
        connections.withdraw(self._layout.connection)
        await asyncio.to_thread(self._orderer.stop)
        self._followers.close()
        await asyncio.gather(*(peer.server.stop(_GRACE_S) for peer in self._peers))
        await asyncio.gather(*(peer.link.stop() for peer in self._peers))
        self._ledger.close()
        os.close(self._lock)

    def _profile(self, peer: _Peer) -> ConnectionProfile:
        return connections.profile(
            peer.organisation,
            channel=self._settings.channel,
            chaincode=self._settings.definition.name,
            gateway=peer.address,
        )

    def _make_orderer(self) -> Orderer:
        settings = self._settings
        identity = Organisation.load(self._layout.organisation(ORDERER)).identity("orderer0")
        validator = Validator(settings.channel, settings.definition, self._membership)
        committer = Committer(self._ledger, validator, identity)

        def commit(envelopes: Sequence[bytes]) -> None:
            outcomes = committer.commit(envelopes)
            self._loop.call_soon_threadsafe(self._followers.committed, self._ledger.height, outcomes)

        def fail() -> None:
            self.failed = True
            self._loop.call_soon_threadsafe(self.ended.set)

        return Orderer(settings.channel, self._membership, commit, fail, batching=settings.batching)

    def _take_ports(self) -> None:
        ports = endpoints.load_ports(self._layout.ports_file)
        host = self._settings.host
        for one in self._settings.organisations:
            organisation = Organisation.load(self._layout.organisation(one.name))
            link = ChaincodeLink(one.msp_id, self._chaincode_server(one, organisation))
            server, port = endpoints.listen(organisation, host, ports.get(one.msp_id, 0))
            self._peers.append(_Peer(one.name, organisation, link, server, f"{host}:{port}"))
            ports[one.msp_id] = port
        endpoints.save_ports(self._layout.ports_file, ports)

    async def _release_ports(self) -> None:
        for peer in self._peers:
            await endpoints.release(peer.server)

    def _chaincode_server(self, one: OrganisationSettings, organisation: Organisation) -> ChaincodeServer:
        if not one.chaincode:
            raise SettingsError("no_chaincode", f"no address of a chaincode server for {one.msp_id}")
        tls = organisation.directory / "tls" / "peer0"
        try:
            return ChaincodeServer(
                address=one.chaincode,
                host_override=f"chaincode.{organisation.domain}",
                package_id=self._settings.package_id,
                root_certificate=organisation.tls_ca_file.read_bytes(),
                certificate=(tls / "cert.pem").read_bytes(),
                key=(tls / "key.pem").read_bytes(),
            )
        except OSError as error:
            raise SettingsError("unreadable_tls", f"{error.filename}: {error.strerror}") from error

    def _add_services(self) -> None:
        settings = self._settings
        definition = settings.definition
        gatekeeper = Gatekeeper(
            settings.channel, definition, self._membership, self._ledger, time_window_ms=settings.time_window_ms
        )
        endorsers = [
            Endorser(
                peer.organisation.identity("peer0"),
                peer.link,
                definition,
                self._ledger,
                self._membership.signatures,
                timeout_s=settings.execute_timeout_s,
            )
            for peer in self._peers
        ]
        collector = Collector(
            definition,
            self._ledger,
            [EndorsingPeer(peer.address, one) for peer, one in zip(self._peers, endorsers, strict=True)],
        )
        streams = BlockStreams(
            settings.channel, ledger=self._ledger, followers=self._followers, membership=self._membership
        )
        system = SystemChaincodes(settings.channel, self._ledger)
        for peer, own in zip(self._peers, endorsers, strict=True):
            gateway = GatewayService(
                peer.organisation.msp_id,
                peer.address,
                settings.channel,
                gatekeeper=gatekeeper,
                collector=collector,
                orderer=self._orderer,
                ledger=self._ledger,
                followers=self._followers,
                membership=self._membership,
            )
            endorser = EndorserService(own, gatekeeper=gatekeeper, ledger=self._ledger, system=system)
            deliver = DeliverService(own.msp_id, streams, private=self._ledger.private, definition=definition)
            gateway_pb2_grpc.add_GatewayServicer_to_server(gateway, peer.server)
            peer_pb2_grpc.add_EndorserServicer_to_server(endorser, peer.server)
            events_pb2_grpc.add_DeliverServicer_to_server(deliver, peer.server)
            ab_pb2_grpc.add_AtomicBroadcastServicer_to_server(BroadcastService(self._orderer, streams), peer.server)


def _open_ledger(layout: Layout) -> Ledger:
    ledger = Ledger.open(layout.ledger)
    try:
        if ledger.height == 0:
            commit_genesis(ledger, layout.genesis_file.read_bytes())
    except OSError as error:
        ledger.close()
        raise SettingsError("no_genesis", f"{error.filename}: {error.strerror}") from error
    except BaseException:
        ledger.close()
        raise
    return ledger


def _organisations(ledger: Ledger, channel: str) -> Consortium:
    """Return the organisations of `channel`, read from its configuration, which is block 0.

    Raises:
        StorageError: The ledger is of another channel, or its first block is no configuration.
    """
    try:
        config = read_config(parse_block(ledger.block(0)))
    except (BlockError, EnvelopeError) as error:
        raise StorageError("not_a_genesis_block", str(error)) from error
    if config.channel != channel:
        raise StorageError("other_channel", f"the ledger is of channel {config.channel}, not {channel}")
    return config.organisations


def _lock(directory: Path) -> int:
    """Return the descriptor that keeps other processes away from the ledger in `directory`."""
    try:
        make_directory(directory, mode=0o700)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError("unusable_folder", f"{error.filename}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise SettingsError("in_use", f"another process uses {directory}") from error
    return descriptor
