"""The external builder of peers in containers, run as a peer runs it: programs of a shell, on a real package."""

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from countermark.network.compose import builder
from countermark.network.compose.places import CONFIGURATION
from countermark.network.lifecycle import package
from countermark.network.nodes.folder import NetworkFolder

DIGEST = "sha256:" + "0" * 64


def unpacked(folder: Path, sequence: int) -> tuple[Path, Path]:
    """Metadata and code of a package of ours, as a peer lays them out for its builder."""
    built = package.build("countermark_1.0", sequence=sequence, code_digest=DIGEST)
    metadata, code = folder / "metadata", folder / "code"
    for target, data in ((metadata, built.data), (code, _member(built.data, "code.tar.gz"))):
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            archive.extractall(target, filter="data")
    return metadata, code


def _member(data: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        found = archive.extractfile(name)
        assert found is not None
        return found.read()


def run(programs: Path, name: str, *arguments: Path) -> int:
    done = subprocess.run([programs / "bin" / name, *arguments], capture_output=True, env={"PATH": "/usr/bin:/bin"})
    assert done.stderr == b""
    return done.returncode


def local(folder: Path, settings: Path) -> Path:
    """The builder, with the peer's folder where it is on this machine."""
    builder.write(folder)
    release = folder / "bin" / "release"
    release.write_text(release.read_text().replace(CONFIGURATION, str(settings)))
    return folder


def released(programs: Path, folder: Path, sequence: int) -> Any:
    metadata, code = unpacked(folder / str(sequence), sequence)
    built, out = folder / f"{sequence}-built", folder / f"{sequence}-released"
    built.mkdir()
    out.mkdir()
    assert run(programs, "detect", code, metadata) == 0
    assert run(programs, "build", code, metadata, built) == 0
    assert run(programs, "release", built, out) == 0
    return json.loads((out / "chaincode" / "server" / "connection.json").read_text())


@pytest.mark.parametrize(("sequence", "parity"), [(1, "odd"), (2, "even"), (3, "odd")])
def test_a_peer_gets_its_own_addresses_and_keys(
    folder: NetworkFolder, tmp_path: Path, sequence: int, parity: str
) -> None:
    node = folder.node("peer0.platform")
    found = released(local(tmp_path / "builder", node), tmp_path, sequence)
    port = {"odd": 20_003, "even": 20_004}[parity]
    assert found == {
        "address": f"{parity}.chaincode.peer0.platform.example:{port}",
        "dial_timeout": "10s",
        "tls_required": True,
        "client_auth_required": True,
        "client_cert": (node / "tls" / "cert.pem").read_text(),
        "client_key": (node / "tls" / "key.pem").read_text(),
        "root_cert": (node / "tls" / "ca.pem").read_text(),
    }


@pytest.mark.parametrize("text", ["a|b", "a&b", "a\\b", "a\nb", 'a"b', "a/b", "\\1", "é"])
def test_no_character_of_a_text_means_anything_to_sed_or_json(tmp_path: Path, text: str) -> None:
    texts = dict.fromkeys(("address_odd", "client_cert", "client_key", "root_cert"), text)
    (tmp_path / builder.SCRIPT).write_text(builder.script(texts))
    found = released(local(tmp_path / "builder", tmp_path), tmp_path, 1)
    assert {found[name] for name in ("address", "client_cert", "client_key", "root_cert")} == {text}


def test_packages_of_another_kind_are_left_to_other_builders(tmp_path: Path) -> None:
    builder.write(tmp_path / "builder")
    metadata = tmp_path / "metadata"
    metadata.mkdir()
    (metadata / "metadata.json").write_text(json.dumps({"type": "golang", "label": "other"}))
    assert run(tmp_path / "builder", "detect", tmp_path, metadata) == 1


def test_a_failing_step_fails_the_program(tmp_path: Path) -> None:
    """A peer that is told nothing would wait for a chaincode that nobody can dial."""
    builder.write(tmp_path / "builder")
    done = subprocess.run(
        [tmp_path / "builder" / "bin" / "release", tmp_path / "none", tmp_path / "out"], capture_output=True
    )
    assert done.returncode != 0
