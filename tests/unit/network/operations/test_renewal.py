"""Certificates are renewed one node at a time, and whoever was interrupted goes on with the next run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest

from countermark.network.native import nodes
from countermark.network.native.network import NativeNetwork
from countermark.network.native.nodes import PeerNode
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.operations.certificates import Renewal
from countermark.network.topology import load
from tests.support.clock import now_ms

PEER = "peer0.platform"


@dataclass(frozen=True, slots=True)
class Watched(NativeNetwork):
    """A network whose processes are names."""

    alive: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    interrupted_by: list[str] = field(default_factory=list)

    def check_startable(self) -> None:
        """Nothing is started."""

    def running(self) -> list[str]:
        return sorted(self.alive)

    def stop(self, names: Collection[str]) -> list[str]:
        stopped = [name for name in names if name in self.alive]
        self.alive.difference_update(stopped)
        self.done.extend(f"stop {name}" for name in stopped)
        self._perhaps_interrupted("stop")
        return stopped

    def start(self, names: Collection[str]) -> None:
        self._perhaps_interrupted("start")
        self.alive.update(names)
        self.done.extend(f"start {name}" for name in names)

    def wait_caught_up(self, peers: Sequence[PeerNode]) -> None:
        self.done.extend(f"caught up {peer.name}" for peer in peers)

    def _perhaps_interrupted(self, verb: str) -> None:
        if self.interrupted_by == [verb]:
            self.interrupted_by.clear()
            raise KeyboardInterrupt


@pytest.fixture
def network(folder: NetworkFolder) -> Watched:
    topology = load(folder.description)
    generate(folder, topology, now_ms=now_ms(), found=True)
    return Watched(folder, topology, lambda _: None, alive={PEER})


def peer_of(network: Watched) -> PeerNode:
    return next(one for one in nodes.peers(network.folder, network.topology) if one.name == PEER)


def certificate(network: Watched) -> bytes:
    return (network.folder.organisation_path("platform") / "tls" / "peer0" / "cert.pem").read_bytes()


def test_a_peer_that_runs_is_restarted_with_its_new_certificates(network: Watched) -> None:
    before = certificate(network)
    assert Renewal(network).renew_peer(peer_of(network), below_days=None)
    assert certificate(network) != before
    assert network.done == [f"stop {PEER}", f"start {PEER}", f"caught up {PEER}"]


def test_a_peer_that_does_not_run_is_not_started(network: Watched) -> None:
    network.alive.clear()
    assert Renewal(network).renew_peer(peer_of(network), below_days=None)
    assert network.alive == set()


def test_what_is_not_due_is_left_alone(network: Watched) -> None:
    before = certificate(network)
    assert not Renewal(network).renew_peer(peer_of(network), below_days=60)
    assert (certificate(network), network.done) == (before, [])


@pytest.mark.parametrize("moment", ["stop", "start"])
def test_whoever_was_interrupted_goes_on_though_the_new_certificates_are_there(network: Watched, moment: str) -> None:
    network.interrupted_by.append(moment)
    with pytest.raises(KeyboardInterrupt):
        Renewal(network).renew_peer(peer_of(network), below_days=None)
    assert network.alive == set()
    renewed = certificate(network)
    # By their dates nothing is due any more.
    assert Renewal(network).renew_peer(peer_of(network), below_days=60)
    assert (network.alive, certificate(network)) == ({PEER}, renewed)
    assert not Renewal(network).renew_peer(peer_of(network), below_days=60)
