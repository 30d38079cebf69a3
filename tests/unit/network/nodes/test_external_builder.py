"""The external builder as a peer runs it: on a package of ours, and on what is none."""

import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from countermark.network.lifecycle.package import build
from countermark.network.nodes import external_builder
from countermark.network.nodes.external_builder import CONFIGURATION

DIGEST = f"sha256:{'0' * 64}"


@dataclass(frozen=True)
class Unpacked:
    """A package as a peer unpacks it: folders that it hands to the builder."""

    source: Path
    metadata: Path


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    external_builder.write(tmp_path / "the builder")
    return tmp_path / "the builder" / "bin"


@pytest.fixture(params=[1, 2])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Unpacked:
    unpacked = Unpacked(tmp_path / "source", tmp_path / "metadata")
    data = build("countermark_1.0", sequence=request.param, code_digest=DIGEST).data
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as outer:
        outer.extractall(unpacked.metadata, filter="data")
    with tarfile.open(unpacked.metadata / "code.tar.gz", mode="r:gz") as inner:
        inner.extractall(unpacked.source, filter="data")
    return unpacked


def run(program: Path, *arguments: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `program` with no more of the environment than peers pass on."""
    given = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run([program, *arguments], env=given, capture_output=True, text=True, timeout=60, check=False)


def test_a_package_of_ours_is_recognised(builder: Path, package: Unpacked) -> None:
    assert run(builder / "detect", package.source, package.metadata).returncode == 0


@pytest.mark.parametrize("text", ['{"type": "golang"}', '{"type": ""}', "{}", "[]", "{", ""])
def test_another_package_is_left_to_other_builders(builder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "metadata.json").write_text(text)
    assert run(builder / "detect", tmp_path, tmp_path).returncode != 0


@pytest.mark.parametrize("package", [1, 2], indirect=True)
def test_release_puts_in_where_the_peers_server_is_and_how_to_reach_it(
    builder: Path, package: Unpacked, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    built, released = tmp_path / "built", tmp_path / "released"
    built.mkdir()
    done = run(builder / "build", package.source, package.metadata, built)
    assert done.returncode == 0, done.stderr
    given = {"address_odd": "127.0.0.1:1001", "address_even": "127.0.0.1:1002"}
    for name in ("client_cert", "client_key", "root_cert"):
        (tmp_path / name).write_text(f"-----BEGIN {name}-----\n")
        given[name] = str(tmp_path / name)
    done = run(builder / "release", built, released, **{CONFIGURATION: json.dumps(given)})
    assert done.returncode == 0, done.stderr
    connection = json.loads((released / "chaincode" / "server" / "connection.json").read_text())
    sequence = request.node.callspec.params["package"]
    assert connection == {
        "address": f"127.0.0.1:100{sequence}",
        "dial_timeout": "10s",
        "tls_required": True,
        "client_auth_required": True,
        "client_cert": "-----BEGIN client_cert-----\n",
        "client_key": "-----BEGIN client_key-----\n",
        "root_cert": "-----BEGIN root_cert-----\n",
    }


@pytest.mark.parametrize(
    "environment",
    [{}, {CONFIGURATION: "{"}, {CONFIGURATION: "{}"}, {CONFIGURATION: '{"client_key": "gone"}'}],
    ids=str,
)
def test_a_peer_that_does_not_say_where_its_server_is_gets_no_connection(
    builder: Path, package: Unpacked, tmp_path: Path, environment: dict[str, str]
) -> None:
    released = tmp_path / "released"
    assert run(builder / "release", package.source, released, **environment).returncode != 0
    assert not list(released.rglob("connection.json"))


def test_it_is_written_once(tmp_path: Path) -> None:
    external_builder.write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    external_builder.write(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_it_can_be_run_again_when_a_copy_has_lost_its_modes(builder: Path, package: Unpacked) -> None:
    (builder / "detect").chmod(0o644)
    external_builder.write(builder.parent)
    assert run(builder / "detect", package.source, package.metadata).returncode == 0


def test_the_interpreter_may_lie_anywhere(package: Unpacked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first line of a script would not reach: behind a space, and far down."""
    folder = tmp_path / "a folder's name" / ("long" * 40)
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    external_builder.write(tmp_path / "builder")
    done = run(tmp_path / "builder" / "bin" / "detect", package.source, package.metadata)
    assert done.returncode == 0, done.stderr
