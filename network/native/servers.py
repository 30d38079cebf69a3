"""Chaincode servers beside the peers of a folder: one for each peer and each package that is in use.

While an upgrade is under way there are two packages, so two servers beside each peer, on the two ports that the
description gives them.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from countermark.network.identities.files import write_file
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.package import Package, build, parse
from countermark.network.native.daemons import Daemon
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.material import chaincode_name, local_name
from countermark.network.ports import listens
from countermark.network.topology import OrganisationPlan, Peer, Topology

_MODULE = "countermark.chaincode"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class InUse:
    """A package that peers of this folder call, for the definition with this sequence."""

    sequence: int
    package: Package


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages of a folder."""

    folder: NetworkFolder

    def in_use(self) -> list[InUse]:
        """Return the packages that have servers, the older one first.

        Raises:
            LifecycleError: A file is missing or damaged.
        """
        try:
            sequences = json.loads((self.folder.packages / "in-use.json").read_bytes())
            return [InUse(int(one), parse(self._file(int(one)).read_bytes())) for one in sequences]
        except FileNotFoundError as error:
            if error.filename and str(error.filename).endswith("in-use.json"):
                return []
            raise LifecycleError("malformed_package", f"{error.filename} is missing") from error
        except (OSError, ValueError, TypeError) as error:
            raise LifecycleError("malformed_package", f"{self.folder.packages}: {error}") from error

    def add(self, topology: Topology, sequence: int, *, version: str) -> InUse:
        """Return the package for `sequence`, made of the code that is installed here, and have it in use.

        Raises:
            LifecycleError: The code's digest could not be had, or two other packages are in use.
        """
        known = {one.sequence: one for one in self.in_use()}
        if sequence in known:
            return known[sequence]
        if any((one - sequence) % 2 == 0 for one in known):
            raise LifecycleError("two_in_use", "an earlier upgrade has not been finished")
        label = f"{topology.chaincode}_{version}"
        added = InUse(sequence, build(label, sequence=sequence, code_digest=code_digest()))
        write_file(self._file(sequence), added.package.data)
        self._record([*known, sequence])
        return added

    def keep_from(self, sequence: int) -> None:
        """Have no package in use that is older than that of `sequence`."""
        self._record([one.sequence for one in self.in_use() if one.sequence >= sequence])

    def _record(self, sequences: list[int]) -> None:
        write_file(self.folder.packages / "in-use.json", json.dumps(sorted(sequences)).encode())

    def _file(self, sequence: int) -> Path:
        return self.folder.packages / f"{sequence}.tar.gz"


def code_digest() -> str:
    """Return the digest of the contracts that are installed here, as the server itself computes it.

    Raises:
        LifecycleError: It gave none.
    """
    try:
        command = [sys.executable, "-m", f"{_MODULE}.code"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise LifecycleError("no_code", f"the digest of the contracts: {error}") from error
    digest = done.stdout.strip()
    if not _DIGEST.fullmatch(digest):
        raise LifecycleError("no_code", "the digest of the contracts is malformed")
    return digest


@dataclass(frozen=True, slots=True)
class ChaincodeServer:
    """The server of one package beside one peer."""

    folder: NetworkFolder
    plan: OrganisationPlan
    peer: Peer
    use: InUse
    host: str

    @property
    def port(self) -> int:
        """Its port."""
        return _place(self.folder, self.peer, self.use.sequence)[1]

    @property
    def daemon(self) -> Daemon:
        """Its process."""
        return _place(self.folder, self.peer, self.use.sequence)[0]

    def start(self, environment: dict[str, str]) -> None:
        """Start it unless it runs, with the right package.

        Raises:
            RunError: It cannot be run.
        """
        command = [*self.program(), *self.arguments()]
        daemon = self.daemon
        if daemon.pid is not None and daemon.command != command:
            daemon.stop()
        daemon.start(command, environment)

    def wait_ready(self) -> None:
        """Return when it listens.

        Raises:
            RunError: It ended, or not in time.
        """
        self.daemon.wait(lambda: listens(self.host, self.port), _WAIT_S)

    @staticmethod
    def program() -> list[str]:
        """Return the command of the market's contracts, without arguments."""
        return [sys.executable, "-m", f"{_MODULE}.server"]

    def arguments(self) -> list[str]:
        """Return what a server at this place is called with."""
        organisation = self.folder.organisation_path(self.plan.name).absolute()
        tls = organisation / "tls" / local_name(chaincode_name(self.peer.name))
        return [
            *("--address", f"{self.host}:{self.port}"),
            *("--ccid", self.use.package.id),
            *("--package", str((self.folder.packages / f"{self.use.sequence}.tar.gz").absolute())),
            *("--tls-cert", str(tls / "cert.pem"), "--tls-key", str(tls / "key.pem")),
            *("--client-ca", str(organisation / "tlsca" / "cert.pem")),
        ]


def places(folder: NetworkFolder, topology: Topology) -> Iterator[tuple[Daemon, str, int]]:
    """Yield process, host and port of every server that there may be beside the peers here, in use or not."""
    for _, peer in topology.peers():
        for sequence in (1, 2):
            daemon, port = _place(folder, peer, sequence)
            yield daemon, topology.reached(peer.host), port


def _place(folder: NetworkFolder, peer: Peer, sequence: int) -> tuple[Daemon, int]:
    return Daemon(_name(peer, sequence), folder.run, folder.logs), peer.chaincode[(sequence - 1) % 2]


def server_name(peer: Peer, use: InUse) -> str:
    """Return the name of a chaincode server's process, or of its container."""
    return _name(peer, use.sequence)


def _name(peer: Peer, sequence: int) -> str:
    return f"{chaincode_name(peer.name)}.{'odd' if sequence % 2 else 'even'}"


def servers(folder: NetworkFolder, topology: Topology, uses: list[InUse]) -> Iterator[ChaincodeServer]:
    """Yield the servers of the packages `uses` beside the peers here."""
    for plan, peer in topology.peers():
        for use in uses:
            yield ChaincodeServer(folder, plan, peer, use, topology.reached(peer.host))
