"""What a network.yaml says is what a topology holds."""

import re
from pathlib import Path

import pytest

from countermark.network.blocks import OutOf, SignedBy
from countermark.network.genesis import Batch, Endpoint
from countermark.network.ports import LOOPBACK
from countermark.network.topology import Consensus, Mode, Part, Topology, load, parse_topology
from countermark.network.topology.default import port_count
from tests.unit.network.topology.descriptions import changed, default, outsider

FOLDER = Path("nowhere")
BOTH = [(mode, consensus) for mode in Mode for consensus in Consensus]


def parsed(text: str) -> Topology:
    return parse_topology(text.encode(), FOLDER)


@pytest.mark.parametrize(("mode", "consensus"), BOTH)
def test_default_is_three_organisations_with_the_parts_of_the_protocol(mode: Mode, consensus: Consensus) -> None:
    topology = parsed(default(mode, consensus))
    assert (topology.name, topology.mode, topology.consensus) == ("countermark", mode, consensus)
    assert (topology.channel, topology.chaincode, topology.version) == ("market", "countermark", "1.0")
    assert (topology.batch, topology.time_window_s) == (Batch(timeout_ms=200, max_messages=100), 5)
    assert topology.msp_ids == ["PlatformMSP", "SupervisorMSP", "TraderMSP"]
    assert [one.part for one in topology.organisations] == [Part.PLATFORM, Part.SUPERVISOR, Part.MEMBER]
    assert [len(one.peers) for one in topology.organisations] == [1, 2, 1]
    assert topology.here == topology.organisations
    orderers = [len(one.orderers) for one in topology.organisations]
    assert orderers == ([1, 1, 1] if consensus is Consensus.RAFT else [2, 1, 1]), "three organisations order"


@pytest.mark.parametrize(("mode", "consensus"), BOTH)
def test_default_uses_each_port_that_it_was_given_once(mode: Mode, consensus: Consensus) -> None:
    topology = parsed(default(mode, consensus))
    ports = [port for one in topology.organisations for node in one.nodes for port in node.ports]
    assert len(ports) == len(set(ports)) == port_count(consensus)


def test_nodes_of_the_default_are_reached_on_this_machine_or_by_their_names() -> None:
    native, compose = parsed(default()), parsed(default(Mode.COMPOSE))
    assert {peer.host for _, peer in native.peers()} == {LOOPBACK}
    assert [peer.host for _, peer in compose.peers()] == [
        *("peer0.platform.example", "peer0.supervisor.example", "peer1.supervisor.example", "peer0.trader.example")
    ]
    assert {compose.reached(peer.host) for _, peer in compose.peers()} == {LOOPBACK}
    assert native.reached("10.0.0.1") == "10.0.0.1"


def test_nodes_are_named_after_their_organisation_and_have_the_ports_of_the_file() -> None:
    topology = parsed(default())
    _, peer = next(topology.peers())
    assert (peer.name, peer.endpoint) == ("peer0.platform", Endpoint(LOOPBACK, 7001))
    assert (peer.listener, peer.operations, peer.chaincode) == (7002, 7003, (7004, 7005))
    _, orderer = next(topology.orderers())
    assert (orderer.name, orderer.ports) == ("orderer0.platform", (7006, 7007, 7008))


@pytest.mark.parametrize("key", ["mode: native\n", "consensus: raft\n"])
def test_what_may_be_left_out_is_what_it_would_be(key: str) -> None:
    assert parsed(changed(key, "")) == parsed(default())


def test_without_a_batch_blocks_are_cut_as_usual() -> None:
    text = re.sub(r"batch: .*\n", "", default())
    assert parsed(text).batch == Batch()


def test_endorsement_policy_is_read_as_it_stands() -> None:
    text = (
        "endorsement: {out_of: 2, of: [SupervisorMSP, {out_of: 1, of: [PlatformMSP, TraderMSP]}]}\norganisations:\n"
    )
    rule = OutOf(1, (SignedBy("PlatformMSP"), SignedBy("TraderMSP")))
    assert parsed(changed("organisations:\n", text)).endorsement == OutOf(2, (SignedBy("SupervisorMSP"), rule))


def test_policy_of_all_is_a_policy() -> None:
    text = "endorsement: {out_of: 3, of: [SupervisorMSP, PlatformMSP, TraderMSP]}\norganisations:\n"
    assert isinstance(parsed(changed("organisations:\n", text)).endorsement, OutOf)


def test_an_organisation_elsewhere_is_known_by_its_file(tmp_path: Path) -> None:
    guest = outsider(tmp_path / "guest")
    (tmp_path / "guest.json").write_bytes(guest.dumps())
    (tmp_path / "network.yaml").write_text(default() + "  - definition: guest.json\n")
    topology = load(tmp_path / "network.yaml")
    assert topology.msp_ids[-1] == "GuestMSP"
    assert "guest" not in [one.name for one in topology.here]
    assert all(plan.name != "guest" for plan, _ in (*topology.peers(), *topology.orderers()))
    found = topology.organisations[-1]
    assert (found.definition, found.here) == (tmp_path / "guest.json", False)
    assert (found.peers, found.orderers) == (guest.plan.peers, guest.plan.orderers)
