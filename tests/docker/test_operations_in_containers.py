"""Every command of "In containers" in docs/operations.md, run in order: from a checkout to a market, and down again.

Fabric's peers and orderers are real; their images are made of the programs on PATH.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from countermark.network.ports import free_ports
from countermark.network.topology import Consensus, Mode, load
from countermark.network.topology.default import default_text, port_count
from tests.support.command_line import countermark
from tests.support.docker import standins, wheels
from tests.support.docker.drill import Drill
from tests.support.docker.engine import docker, remove_project
from tests.support.docker.files import IMAGES, ROOT
from tests.support.docker.platform import Container, Served
from tests.support.documented import blocks
from tests.support.figures import show

pytestmark = [pytest.mark.docker, pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(1800)]

PAGE = ROOT / "docs" / "operations.md"
SECTION = "In containers"
COMMANDS = blocks(SECTION)
KILLED = (
    *(("network", "orderer0.platform"), ("network", "peer0.platform"), ("network", "chaincode.peer0.platform.odd")),
    *(("platform", "database"), ("platform", "gateway"), ("platform", "worker")),
)
"""Projects and services of what is killed."""


class Operator:
    """Goes through the section."""

    def __init__(self, folder: Path, mark: str, pip: Path) -> None:
        self.names = {"network": f"countermark-test-{mark}-net", "platform": f"countermark-test-{mark}-ops"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.repository = f"countermark-test-{mark}"
        images = {f"{image.upper()}_IMAGE": f"{self.repository}/{image}:0.1.0" for image in IMAGES}
        self.drill = Drill(
            folder,
            base=standins.python(),
            pip=pip,
            repository=self.repository,
            environment={
                **images,
                "FABRIC_ORDERER_IMAGE": standins.fabric("orderer"),
                "FABRIC_PEER_IMAGE": standins.fabric("peer"),
                "POSTGRES_IMAGE": standins.postgres(),
                "COUNTERMARK_PORT": str(self.port),
                "COMPOSE_PROJECT_NAME": self.names["platform"],
            },
        )
        network = self.drill.checkout / "countermark-network"
        network.mkdir()
        text = default_text(Mode.COMPOSE, Consensus.RAFT, free_ports(port_count(Consensus.RAFT)))
        # Another name than the default, which somebody's own network on this engine may have.
        text = text.replace("network: countermark\n", f"network: {self.names['network']}\n")
        (network / "network.yaml").write_text(text)

    @property
    def gateway(self) -> Served:
        public = self.drill.checkout / "countermark-platform" / "public"
        return Served(f"https://127.0.0.1:{self.port}", public / "gateway-ca.pem")

    def node_certificates(self) -> dict[str, str]:
        """The certificates that peers and orderers show, by name."""
        topology = load(self.drill.checkout / "countermark-network" / "network.yaml")
        found = [node for _, node in (*topology.peers(), *topology.orderers())]
        return {node.name: ssl.get_server_certificate(("127.0.0.1", node.port), timeout=30) for node in found}

    def container(self, project: str, service: str) -> Container:
        (found,) = self.containers(project, service)
        return found

    def containers(self, project: str, service: str) -> list[Container]:
        labels = {"project": self.names[project], "service": service}
        filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return [Container(found) for found in docker("ps", "--all", "--quiet", *filters).split()]

    def remove_images(self) -> None:
        tags = docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{self.repository}/*").split()
        docker("image", "rm", "--force", *tags)

    def open_account(self, home: Path) -> None:
        home.mkdir()
        (home / "passphrase").write_text("correct horse\n")
        countermark("account", "new", environment=self.gateway.environment(home))


@pytest.fixture(scope="module")
def operator(mark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("wheels")
    wheels.fetch(folder)
    with ExitStack() as stack:
        pip = folder / "pip.conf"
        pip.write_text(stack.enter_context(wheels.served(folder)))
        operator = Operator(tmp_path_factory.mktemp("operator"), mark, pip)
        for name in operator.names.values():
            stack.callback(remove_project, name)
        stack.callback(operator.remove_images)
        for title in ("Images", "A network beside it", "The platform"):
            operator.drill.run(COMMANDS[title])
        yield operator


def test_every_heading_of_the_section_is_gone_through() -> None:
    assert list(COMMANDS) == [
        *("Images", "A network beside it", "The platform", "Changes", "Backup of containers", "The end of it")
    ]
    assert all(COMMANDS.values())


def test_the_market_stands_on_fabric_in_containers(operator: Operator, tmp_path: Path) -> None:
    for project, service in KILLED:
        operator.container(project, service).wait_healthy()
    operator.gateway.wait_ready()
    operator.open_account(tmp_path / "home")


def test_a_process_that_is_killed_comes_back_and_the_market_with_it(operator: Operator, tmp_path: Path) -> None:
    for project, service in KILLED:
        container = operator.container(project, service)
        before = container.description["RestartCount"]
        container.kill()
        container.wait_restarted(before)
    for project, service in KILLED:
        operator.container(project, service).wait_healthy()
    operator.gateway.wait_ready()
    operator.open_account(tmp_path / "home")
    show(f"containers: {len(KILLED)} processes killed one after the other, each came back, and the market with them")


def test_renewed_files_and_other_contracts_are_taken_up(operator: Operator, tmp_path: Path) -> None:
    before, of_nodes = operator.gateway.certificate(), operator.node_certificates()
    operator.drill.run(COMMANDS["Changes"])
    renewed = operator.node_certificates()
    assert all(renewed[name] != certificate for name, certificate in of_nodes.items())
    # The old servers have ended, the new ones are of the new image.
    assert not operator.containers("network", "chaincode.peer0.platform.odd")
    server = operator.container("network", "chaincode.peer0.platform.even")
    assert server.description["Config"]["Image"] == f"{operator.repository}/chaincode:0.1.1"
    operator.container("platform", "gateway").wait_healthy()
    after = operator.gateway.certificate()
    assert after != before
    assert b"trade.example.org" in after
    operator.gateway.wait_ready()
    operator.open_account(tmp_path / "home")


def test_a_peer_and_the_database_come_back_from_their_backup(operator: Operator, tmp_path: Path) -> None:
    operator.open_account(tmp_path / "home")
    operator.drill.run(COMMANDS["Backup of containers"])
    assert list((operator.drill.checkout / "countermark-network" / "nodes" / "peer0.platform").glob("data.before-*"))
    operator.gateway.wait_ready()
    shown = countermark("account", "show", environment=operator.gateway.environment(tmp_path / "home"))
    assert shown["state"] == "OPEN"
    operator.open_account(tmp_path / "other")


def test_what_was_stored_is_there_after_an_end_and_a_new_start(operator: Operator, tmp_path: Path) -> None:
    operator.open_account(tmp_path / "home")
    operator.drill.run(COMMANDS["The end of it"])
    for name in operator.names.values():
        assert docker("ps", "--all", "--quiet", f"--filter=label=com.docker.compose.project={name}") == ""
    operator.drill.run(COMMANDS["A network beside it"] + COMMANDS["The platform"])
    operator.gateway.wait_ready()
    shown = countermark("account", "show", environment=operator.gateway.environment(tmp_path / "home"))
    assert shown["state"] == "OPEN"
