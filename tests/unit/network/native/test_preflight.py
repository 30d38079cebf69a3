"""What keeps a network from being started is said before anything is touched."""

import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countermark.network.errors import IdentityError
from countermark.network.native import binaries
from countermark.network.native.errors import RunError
from countermark.network.native.network import NativeNetwork
from countermark.network.native.preflight import check_before_start, mark_nodes
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.nodes.material import make_organisations
from countermark.network.ports import free_ports
from countermark.network.topology import Consensus, Mode, Topology, TopologyError, load
from countermark.network.topology.default import default_text, port_count
from tests.support.clock import now_ms
from tests.support.trees import tree
from tests.unit.network.native.conftest import SLEEP

Describe = Callable[[str, str], Topology]


@pytest.fixture
def ready(made: NetworkFolder, tmp_path: Path) -> NetworkFolder:
    """A folder whose network could be started now, on ports that are free."""
    folder = NetworkFolder(tmp_path / "network")
    shutil.copytree(made.path / "organisations", folder.path / "organisations")
    ports = free_ports(port_count(Consensus.RAFT))
    folder.description.write_text(default_text(Mode.NATIVE, Consensus.RAFT, ports))
    generate(folder, load(folder.description), now_ms=now_ms(), found=True)
    return folder


def refused(folder: NetworkFolder, code: str, words: str) -> None:
    """Check that nothing is started and nothing touched, and that the reason is told."""
    topology = load(folder.description)
    before = tree(folder.path)
    network = NativeNetwork(folder, topology, report=lambda _: None)
    with pytest.raises((RunError, TopologyError), match=words) as refusal:
        network.up()
    assert refusal.value.code == code
    assert tree(folder.path) == before
    assert network.running() == []


def test_a_generated_network_can_be_started(ready: NetworkFolder) -> None:
    before = tree(ready.path)
    check_before_start(ready, load(ready.description))
    assert tree(ready.path) == before


def test_a_network_of_containers_is_not_started_natively(ready: NetworkFolder) -> None:
    ready.description.write_text(ready.description.read_text().replace("mode: native", "mode: compose"))
    refused(ready, "other_mode", "describes a network of mode compose")


def test_without_a_genesis_block_it_says_who_has_it(ready: NetworkFolder) -> None:
    ready.genesis.unlink()
    refused(ready, "no_genesis", r"genesis\.block is missing: `network generate` makes it, or the founder sends it")


def test_a_genesis_block_of_another_channel_is_found(ready: NetworkFolder) -> None:
    ready.description.write_text(ready.description.read_text().replace("channel: market", "channel: fair"))
    refused(ready, "other_genesis", "begins the channel market")


def test_a_damaged_genesis_block_is_found(ready: NetworkFolder) -> None:
    ready.genesis.write_bytes(ready.genesis.read_bytes()[:-5])
    refused(ready, "malformed_genesis", "malformed_")


@pytest.mark.parametrize(
    "gone",
    ["nodes", "nodes/peer0.platform", "nodes/peer0.platform/core.yaml", "nodes/orderer0.trader/msp/config.yaml"],
)
def test_what_was_not_generated_or_only_half_is_named(ready: NetworkFolder, gone: str) -> None:
    path = ready.path / gone
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    node = "orderer0.platform" if gone == "nodes" else gone.split("/")[1]
    refused(ready, "not_generated", rf"the settings of {node}.* run `network generate`")


def test_a_description_that_was_changed_since_is_not_started_with_old_settings(ready: NetworkFolder) -> None:
    """Peers would listen on the old port, and be waited for on the new one."""
    old = next(peer.port for _, peer in load(ready.description).peers())
    (new,) = free_ports(1)
    ready.description.write_text(ready.description.read_text().replace(f"peer: {old}", f"peer: {new}"))
    refused(ready, "not_generated", r"the settings of peer0\.platform are not those of network\.yaml")


def test_a_ledger_of_another_network_is_not_started_on(ready: NetworkFolder) -> None:
    mark_nodes(ready, load(ready.description))
    (ready.node("peer0.trader") / "data").mkdir()
    ready.genesis.unlink()
    generate(ready, load(ready.description), now_ms=now_ms(), found=True)
    refused(
        ready, "other_network", r"nodes/orderer0\.platform/data holds the ledger of another network: move it away"
    )


def test_a_ledger_of_which_nobody_knows_whose_it_is_is_not_started_on(ready: NetworkFolder) -> None:
    (ready.node("peer0.trader") / "data").mkdir()
    refused(ready, "other_network", r"nodes/peer0\.trader/data holds the ledger of another network")


def test_a_ledger_of_this_network_is(ready: NetworkFolder) -> None:
    topology = load(ready.description)
    mark_nodes(ready, topology)
    (ready.node("peer0.trader") / "data").mkdir()
    check_before_start(ready, topology)


LONG_AGO = datetime.now(UTC) - timedelta(days=900)
"""Members' certificates hold for 825 days, those of authorities for ten years."""


@pytest.mark.parametrize(
    ("kind", "name"),
    [("identities", "admin"), ("identities", "peer0"), ("tls", "orderer0"), ("tls", "chaincode.peer0")],
)
def test_an_expired_certificate_is_named_with_its_day_and_what_to_do(
    ready: NetworkFolder, tmp_path: Path, kind: str, name: str
) -> None:
    old = NetworkFolder(tmp_path / "old")
    make_organisations(old, load(ready.description), now=LONG_AGO)
    place = Path("organisations") / "trader" / kind / name / "cert.pem"
    shutil.copy(old.path / place, ready.path / place)
    generate(ready, load(ready.description), now_ms=now_ms(), found=True)
    day = f"{LONG_AGO + timedelta(days=825):%Y-%m-%d}"
    refused(ready, "expired_certificate", rf"{place} expired on {day}: .*`network certs --renew`")


def test_a_damaged_certificate_is_found(ready: NetworkFolder) -> None:
    (ready.organisation_path("trader") / "tlsca" / "cert.pem").write_text("nothing")
    before = tree(ready.path)
    with pytest.raises(IdentityError, match="malformed_certificate"):
        check_before_start(ready, load(ready.description))
    assert tree(ready.path) == before


@pytest.fixture
def taken() -> Iterator[Callable[[int], None]]:
    """Listen on a port until the test has ended."""
    servers = []

    def listen(port: int) -> None:
        servers.append(socket.create_server(("127.0.0.1", port)))

    yield listen
    for server in servers:
        server.close()


@pytest.mark.parametrize("number", range(5))
def test_a_peers_port_in_use_is_named_whichever_it_is(
    ready: NetworkFolder, taken: Callable[[int], None], number: int
) -> None:
    """Also those of contracts, whose servers start long after the nodes."""
    _, peer = list(load(ready.description).peers())[-1]
    taken(peer.ports[number])
    name = r"chaincode\.peer0\.trader\.(odd|even)" if number > 2 else r"peer0\.trader"
    refused(
        ready, "port_in_use", rf"{name} cannot listen on 127\.0\.0\.1:{peer.ports[number]}: Address already in use"
    )


@pytest.mark.parametrize("number", range(3))
def test_an_orderers_port_in_use_is_named_whichever_it_is(
    ready: NetworkFolder, taken: Callable[[int], None], number: int
) -> None:
    _, orderer = list(load(ready.description).orderers())[-1]
    taken(orderer.ports[number])
    refused(ready, "port_in_use", rf"orderer0\.trader cannot listen on 127\.0\.0\.1:{orderer.ports[number]}")


def test_a_port_that_is_in_use_by_the_node_itself_is_no_obstacle(
    ready: NetworkFolder, taken: Callable[[int], None]
) -> None:
    network = NativeNetwork(ready, load(ready.description), report=lambda _: None)
    first = next(iter(network.daemons()))
    _, orderer = next(load(ready.description).orderers())
    assert first.name == orderer.name
    first.start(SLEEP, {})
    try:
        taken(orderer.port)
        check_before_start(ready, load(ready.description))
    finally:
        assert network.down() == 1


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_not_called_a_port_in_use(ready: NetworkFolder, host: str) -> None:
    text = ready.description.read_text()
    ready.description.write_text(text.replace("host: 127.0.0.1", f"host: {host}", 1))
    generate(ready, load(ready.description), now_ms=now_ms(), found=True)
    refused(ready, "bad_address", rf"peer0\.platform cannot listen on {host}:\d+: Cannot assign requested address")


# Fabric's programs


def program(folder: Path, name: str, text: str) -> None:
    """A program that answers `version`, as all that is asked of it before it is needed."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def answering(folder: Path, version: str, *names: str) -> Path:
    for name in names or ("peer", "orderer"):
        program(folder, name, f"echo '{name}:'; echo ' Version: {version}'")
    return folder


@pytest.mark.parametrize("version", ["v3.0.0", "v3.1.5", "3.2.0", "v10.0.0", "latest"])
def test_programs_of_fabric_3_are_taken(tmp_path: Path, version: str) -> None:
    found = binaries.find(answering(tmp_path, version))
    assert found == binaries.Binaries(str(tmp_path / "peer"), str(tmp_path / "orderer"))


def test_programs_are_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(answering(tmp_path, "v3.1.5")), prepend=":")
    assert binaries.find().peer == str(tmp_path / "peer")


@pytest.mark.parametrize(
    ("there", "missing"), [((), "peer and orderer"), (("peer",), "orderer"), (("orderer",), "peer")]
)
def test_a_missing_program_is_named_and_where_it_was_looked_for(
    tmp_path: Path, there: tuple[str, ...], missing: str
) -> None:
    for name in there:
        answering(tmp_path, "v3.1.5", name)
    with pytest.raises(RunError, match=rf"missing_binary: {missing} of Hyperledger Fabric not found in {tmp_path}$"):
        binaries.find(tmp_path)


def test_a_program_that_may_not_be_run_is_missing(tmp_path: Path) -> None:
    answering(tmp_path, "v3.1.5")
    (tmp_path / "peer").chmod(stat.S_IRUSR | stat.S_IWUSR)
    with pytest.raises(RunError, match="missing_binary: peer of"):
        binaries.find(tmp_path)


@pytest.mark.parametrize("version", ["v2.5.12", "2.2.0", "v1.4.9"])
def test_a_program_of_an_older_fabric_is_refused_by_its_version(tmp_path: Path, version: str) -> None:
    answering(tmp_path, "v3.1.5", "peer")
    answering(tmp_path, version, "orderer")
    with pytest.raises(RunError, match=r"bad_binary: .*/orderer is of Fabric \d\.\d; 3\.0 or later is needed"):
        binaries.find(tmp_path)


@pytest.mark.parametrize(
    "text", ["exit 1", "echo hello", "printf '\\377\\376'", "kill -9 $$"], ids=["fails", "other", "bytes", "killed"]
)
def test_a_program_of_that_name_that_is_not_fabrics_is_refused(tmp_path: Path, text: str) -> None:
    answering(tmp_path, "v3.1.5")
    program(tmp_path, "peer", text)
    with pytest.raises(RunError, match=r"bad_binary: .*/peer"):
        binaries.find(tmp_path)
