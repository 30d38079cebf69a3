"""What is asked of the programs of an engine, what they say, and what keeps containers from being started.

The engine itself is in `tests/docker`; here a program in its place says what an engine would.
"""

import json
import socket
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from countermark.network.compose.network import ComposeNetwork
from countermark.network.compose.preflight import check_before_start
from countermark.network.compose.project import TRIES, Container, Project, compose_program
from countermark.network.native.errors import RunError
from countermark.network.native.preflight import mark_nodes
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.topology import Topology, load
from tests.support.clock import now_ms

_PROGRAM = """\
#!{python} -I
import json, os, pathlib, sys
here = pathlib.Path({here!r})
given = [os.environ.get(name) for name in ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME")]
with (here / "asked").open("a") as file:
    file.write(json.dumps([sys.argv[1:], *given]) + "\\n")
for words, (status, out) in json.loads((here / "answers").read_text()):
    if words in " ".join(sys.argv[1:]):
        print(out)
        print("said to stderr: " + out, file=sys.stderr)
        sys.exit(status)
"""


class Engine:
    """Programs `docker` and `docker-compose`: they give the first answer whose words stand in the command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.answers: list[tuple[str, tuple[int, str]]] = []

    def answer(self, words: str, out: str = "", status: int = 0) -> None:
        self.answers.append((words, (status, out)))
        (self._folder / "answers").write_text(json.dumps(self.answers))

    def containers(self, *described: dict[str, Any]) -> None:
        self.answer("ps --all --quiet", "\n".join(one["Id"] for one in described))
        self.answer("inspect", json.dumps(described))

    @property
    def asked(self) -> list[list[Any]]:
        return [json.loads(line) for line in (self._folder / "asked").read_text().splitlines()]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("docker", "docker-compose"):
        program = programs / name
        program.write_text(_PROGRAM.format(python=sys.executable, here=str(programs)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(programs))
    made = Engine(programs)
    made.answer("compose version", status=1)
    return made


def container(
    service: str, folder: str, *, running: bool = True, health: str | None = "healthy", restarts: int = 0
) -> dict[str, Any]:
    labels = {"com.docker.compose.service": service, "com.docker.compose.project.working_dir": folder}
    state: dict[str, Any] = {"Running": running} | ({"Health": {"Status": health}} if health else {})
    return {"Id": f"id-{service}", "Config": {"Labels": labels}, "State": state, "RestartCount": restarts}


@pytest.fixture
def project(folder: NetworkFolder) -> Project:
    return Project(folder.path / "compose.yaml", "countermark")


def test_containers_are_those_of_the_project(engine: Engine, project: Project) -> None:
    engine.containers(
        container("peer", "/x"),
        container("orderer", "/x", running=False),
        container("server", "/x", health=None),
        container("late", "/x", health="starting"),
    )
    found = {one.service: one for one in project.containers()}
    assert found["peer"] == Container("peer", "id-peer", True, "healthy", 0, "/x")
    assert {name: one.healthy for name, one in found.items()} == {
        "peer": True,
        "orderer": False,
        "server": True,
        "late": False,
    }
    assert "label=com.docker.compose.project=countermark" in engine.asked[0][0]


def test_no_variable_of_the_operators_shell_names_another_project(
    engine: Engine, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "other.yaml")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "other")
    project.up(alone=True)
    arguments, *variables = engine.asked[-1]
    assert arguments == [
        *("--file", str(project.file), "--project-name", "countermark"),
        *("up", "--detach", "--no-build", "--remove-orphans"),
    ]
    assert variables == [None, None]


def test_of_the_containers_named_those_that_run_are_stopped_and_told(
    engine: Engine, folder: NetworkFolder, topology: Topology
) -> None:
    engine.containers(
        container("peer0.platform", "/x"), container("peer0.trader", "/x", running=False), container("other", "/x")
    )
    network = ComposeNetwork(folder, topology, report=lambda _: None)
    assert network.stop(["peer0.platform", "peer0.trader"]) == ["peer0.platform"]
    assert engine.asked[-1][0][-2:] == ["stop", "peer0.platform"]
    told = len(engine.asked)
    network.start([])
    assert len(engine.asked) == told, "nothing that was to start: else compose would start everything"


@pytest.mark.parametrize(("present", "words"), [("plugin", ["docker", "compose"]), ("program", ["docker-compose"])])
def test_either_generation_of_compose_will_do(engine: Engine, present: str, words: list[str]) -> None:
    engine.answers.clear()
    engine.answer("compose version", status=0 if present == "plugin" else 1)
    first, *rest = compose_program()
    assert [Path(first).name, *rest] == words


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, project: Project) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(RunError, match="missing_program"):
        project.containers()
    with pytest.raises(RunError, match="docker-compose"):
        project.up()


def test_what_the_engine_says_is_said(engine: Engine, project: Project) -> None:
    engine.answer("ps --all", "Cannot connect to the Docker daemon", status=1)
    with pytest.raises(RunError, match="Cannot connect to the Docker daemon"):
        project.containers()


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ([], "peer: there is no container"),
        ([container("peer", "/x", health="unhealthy")], "peer: it is unhealthy"),
        ([container("peer", "/x", running=False, health=None)], "peer: it is not running"),
    ],
)
def test_what_does_not_become_healthy_is_named_with_the_end_of_its_log(
    engine: Engine, project: Project, described: list[dict[str, Any]], said: str
) -> None:
    engine.containers(*described)
    engine.answer("logs", "the last line")
    with pytest.raises(RunError, match=said) as failed:
        project.wait_healthy(["peer"], timeout_s=0)
    assert not described or "the last line" in str(failed.value)


def test_what_ends_again_and_again_is_not_waited_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose code is not that of its package, say; but what once had trouble is waited for."""
    looks = iter([1, 1, TRIES, TRIES + 1])

    def containers(_: Project) -> list[Container]:
        return [Container("server", "id", False, "starting", next(looks), "/x")]

    monkeypatch.setattr(Project, "containers", containers)
    monkeypatch.setattr(Project, "tail", lambda *_: "made for other code")
    with pytest.raises(RunError, match=r"server: it ends again and again; .*\nmade for other code"):
        project.wait_healthy(["server"])
    assert next(looks, None) is None


def test_what_is_unhealthy_may_yet_become_healthy(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(["starting", "unhealthy", "unhealthy", "healthy"])
    monkeypatch.setattr(Project, "containers", lambda _: [Container("peer", "id", True, next(looks), 0, "/x")])
    project.wait_healthy(["peer"])
    assert next(looks, None) is None


def test_the_engines_network_stays_while_the_platform_is_in_it(engine: Engine, project: Project) -> None:
    engine.answer("network ls", "one\ntwo")
    engine.answer("network inspect one", json.dumps([{"Containers": {"gateway": {}}}]))
    engine.answer("network inspect two", json.dumps([{"Containers": {}}]))
    project.down()
    removed = [arguments for arguments, *_ in engine.asked if arguments[:2] == ["network", "rm"]]
    assert removed == [["network", "rm", "two"]]


class TestBeforeStart:
    @pytest.fixture(autouse=True)
    def _empty(self, engine: Engine) -> None:
        self.engine = engine

    def check(self, folder: NetworkFolder, topology: Topology, project: Project) -> None:
        check_before_start(folder, topology, project)

    def test_a_generated_folder_is_ready(self, folder: NetworkFolder, topology: Topology, project: Project) -> None:
        self.engine.containers()
        self.check(folder, topology, project)

    def test_a_network_of_processes_is_refused(self, folder: NetworkFolder, project: Project) -> None:
        text = folder.description.read_text().replace("mode: compose", "mode: native")
        folder.description.write_text(text)
        with pytest.raises(RunError, match="other_mode"):
            self.check(folder, load(folder.description), project)

    def test_containers_of_another_folder_are_not_touched(
        self, folder: NetworkFolder, topology: Topology, project: Project
    ) -> None:
        """Compose would take them for its own, and give them other keys."""
        self.engine.containers(container("peer0.platform", "/somewhere/else"))
        with pytest.raises(RunError, match=r"other_network.*somewhere/else"):
            self.check(folder, topology, project)

    def test_a_ledger_of_another_network_is_not_gone_on_with(
        self, folder: NetworkFolder, topology: Topology, project: Project
    ) -> None:
        self.engine.containers()
        mark_nodes(folder, topology)
        (folder.node("peer0.platform") / "data").mkdir()
        self.check(folder, topology, project)
        folder.genesis.unlink()
        generate(folder, topology, now_ms=now_ms(), found=True)
        with pytest.raises(RunError, match="other_network"):
            self.check(folder, topology, project)

    @pytest.mark.parametrize("running", [False, True])
    def test_a_port_that_somebody_else_has_is_named(
        self, folder: NetworkFolder, topology: Topology, project: Project, running: bool
    ) -> None:
        described = [container("peer0.platform", str(folder.path))] if running else []
        self.engine.containers(*described)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            text = folder.description.read_text().replace("peer: 20000,", f"peer: {port},")
            folder.description.write_text(text)
            generate(folder, load(folder.description), now_ms=now_ms(), found=False)
            if running:
                # It is the container itself that listens.
                self.check(folder, load(folder.description), project)
            else:
                with pytest.raises(RunError, match=rf"port_in_use.*peer0\.platform.*{port}"):
                    self.check(folder, load(folder.description), project)

    def test_a_missing_genesis_block_is_said(
        self, folder: NetworkFolder, topology: Topology, project: Project
    ) -> None:
        folder.genesis.unlink()
        with pytest.raises(RunError, match="no_genesis"):
            self.check(folder, topology, project)
