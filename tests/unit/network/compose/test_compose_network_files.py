"""What each container of a network finds in its folder, and the compose file that says so."""

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from countermark.network.compose import images
from countermark.network.compose.document import document, dumps
from countermark.network.identities.certificates import load_certificate
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.package import build
from countermark.network.native.servers import InUse, Packages
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.nodes.owner import Owner
from countermark.network.topology import Topology, load
from tests.docker.test_compose_file import KNOWN_TO_BOTH
from tests.docker.test_dockerfiles import PINNED
from tests.support.docker import compose
from tests.support.docker.files import FOLDER, variables
from tests.unit.network.compose.conftest import NOW_MS

OWNER = Owner(10001, 10001)
IMAGES = {1: "registry.example/chaincode:1.0.0", 2: "registry.example/chaincode:2.0.0"}
DIGEST = "sha256:" + "0" * 64
NODES = {"orderer0.platform", "orderer0.supervisor", "orderer0.trader"} | {
    "peer0.platform",
    "peer0.supervisor",
    "peer1.supervisor",
    "peer0.trader",
}
SERVERS = {f"chaincode.{peer}" for peer in NODES if peer.startswith("peer")}


def in_use(*sequences: int) -> list[InUse]:
    return [InUse(one, build("countermark_1.0", sequence=one, code_digest=DIGEST)) for one in sequences]


def services(topology: Topology, *sequences: int) -> dict[str, Any]:
    found: dict[str, Any] = document(topology, in_use(*sequences), IMAGES, OWNER)["services"]
    return found


def test_there_is_a_container_for_each_node_and_a_server_beside_each_peer(topology: Topology) -> None:
    assert set(services(topology)) == NODES
    assert set(services(topology, 1)) == NODES | {f"{one}.odd" for one in SERVERS}


def test_while_an_upgrade_is_under_way_old_and_new_servers_run_side_by_side(topology: Topology) -> None:
    found = services(topology, 1, 2)
    assert set(found) == NODES | {f"{one}.{parity}" for one in SERVERS for parity in ("odd", "even")}
    odd, even = found["chaincode.peer0.platform.odd"], found["chaincode.peer0.platform.even"]
    assert (odd["image"], even["image"]) == (IMAGES[1], IMAGES[2])
    for member in ("networks", "volumes"):
        assert odd[member] != even[member]
    assert odd["environment"]["CHAINCODE_ID"] != even["environment"]["CHAINCODE_ID"]


def test_a_package_keeps_the_image_with_which_it_was_made(folder: NetworkFolder) -> None:
    """The variable names the new code's while the old code's servers still run."""
    one, two = in_use(1, 2)
    assert images.images(folder, [one], {images.VARIABLE: "wrong:1.0.0"}) == {1: "wrong:1.0.0"}
    assert images.images(folder, [one], {}) == {1: images.DEFAULT}, "no server has run from the wrong one"
    images.note_images(folder, [one], {})
    assert images.images(folder, [one, two], {images.VARIABLE: "new:2.0.0"}) == {1: images.DEFAULT, 2: "new:2.0.0"}
    images.note_images(folder, [one, two], {images.VARIABLE: "new:2.0.0"})
    assert images.images(folder, [two], {}) == {2: "new:2.0.0"}


@pytest.mark.parametrize("name", ["a b", "${HOME}", "a\nprivileged: true", "-x", ""])
def test_what_is_no_name_of_an_image_gets_into_no_file(folder: NetworkFolder, name: str) -> None:
    folder.packages.mkdir(exist_ok=True)
    (folder.packages / "1.image").write_text(name)
    with pytest.raises(LifecycleError, match="no name of an image"):
        images.images(folder, in_use(1), {})


def test_servers_are_reached_under_names_that_their_certificates_hold_for(
    folder: NetworkFolder, topology: Topology
) -> None:
    for name, service in services(topology, 1, 2).items():
        node = name.removesuffix(".odd").removesuffix(".even")
        tls = folder.node(node) if node.startswith("chaincode.") else folder.node(node) / "tls"
        names = load_certificate((tls / "cert.pem").read_bytes()).parsed.extensions
        held = {str(one.value) for extension in names for one in _names(extension.value)}
        assert set(service["networks"]["ledger"]["aliases"]) <= held, name


def _names(extension: Any) -> list[Any]:
    return list(extension) if hasattr(extension, "get_values_for_type") else []


def test_no_container_has_root_or_capabilities_or_may_write_to_its_image(topology: Topology) -> None:
    for name, service in services(topology, 1, 2).items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
        assert {"mem_limit", "cpus", "pids_limit", "stop_grace_period"} <= set(service)


def test_nothing_is_published_beyond_this_machine_unless_it_is_asked_for_and_no_chaincode_at_all(
    topology: Topology,
) -> None:
    asked = "${COUNTERMARK_LEDGER_PUBLISH:-127.0.0.1}"
    for name, service in services(topology, 1, 2).items():
        ports = service.get("ports", [])
        assert (not ports) == name.startswith("chaincode.")
        # An administrator's endpoint and the figures are never for others.
        assert [port.startswith(asked) for port in ports] == [True] + [False] * (len(ports) - 1) if ports else True
        assert all(port.removeprefix(asked).lstrip(":").split(":")[0] for port in ports)
        assert all(port.startswith((asked, "127.0.0.1:")) for port in ports)


def test_the_file_holds_no_key(folder: NetworkFolder, topology: Topology) -> None:
    text = dumps(document(topology, in_use(1), IMAGES, OWNER))
    assert "PRIVATE" not in text
    for path in folder.path.rglob("key.pem"):
        assert path.read_text().splitlines()[1] not in text


def test_compose_itself_accepts_the_file_and_warns_of_nothing(folder: NetworkFolder, topology: Topology) -> None:
    file = folder.path / "compose.yaml"
    file.write_text(dumps(document(topology, in_use(1, 2), IMAGES, OWNER)))
    read = compose.read(file)
    assert not {key for service in read["services"].values() for key in service} - KNOWN_TO_BOTH
    for program in compose.programs():
        done = compose.config(program, file, env_file=FOLDER / ".env.example")
        assert (done.returncode, done.stderr) == (0, "")
        assert set(yaml.safe_load(done.stdout)["services"]) == set(read["services"])


def test_images_are_pinned_and_what_may_be_set_is_in_the_example(topology: Topology) -> None:
    text = dumps(document(topology, in_use(1), IMAGES, OWNER))
    used = variables(text)
    example = dict(
        line.split("=", 1)
        for line in (FOLDER / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    for name, defaults in used.items():
        assert {example[name]} == defaults, name
    pinned = {one for name, defaults in used.items() if name.endswith("_IMAGE") for one in defaults}
    assert len(pinned) == 2
    assert all(PINNED.fullmatch(one) for one in pinned)


def test_each_folder_holds_one_identity_and_the_containers_account_alone_reads_its_key(
    folder: NetworkFolder,
) -> None:
    owner = Owner.usual()
    for node in NODES | SERVERS:
        here = folder.node(node)
        keys = sorted(str(path.relative_to(here)) for path in here.rglob("key.pem"))
        assert keys == (["key.pem"] if node in SERVERS else ["msp/keystore/key.pem", "tls/key.pem"]), node
        for path in here.rglob("*"):
            text = b"" if path.is_dir() else path.read_bytes()
            if b"PRIVATE" in text:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    if os.geteuid() == 0:
        # The copy that the tests work on is root's; what `generate` makes anew is given away.
        (folder.node("peer0.platform") / "tls" / "key.pem").unlink()
        generate(folder, load(folder.description), now_ms=NOW_MS, found=True)
        assert owner.has(folder.node("peer0.platform") / "tls" / "key.pem")


def test_to_generate_again_changes_nothing(folder: NetworkFolder, topology: Topology) -> None:
    def state() -> dict[str, tuple[bytes, int]]:
        return {
            str(path.relative_to(folder.path)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in folder.path.rglob("*")
            if path.is_file()
        }

    # The first time only because the folder has been copied, and connection files name it.
    generate(folder, topology, now_ms=NOW_MS, found=True)
    before = state()
    generate(folder, topology, now_ms=NOW_MS + 1, found=True)
    assert state() == before


def test_ledgers_are_left_alone(folder: NetworkFolder, topology: Topology) -> None:
    """They are large, and a node may be writing to them."""
    data = folder.node("peer0.platform") / "data"
    data.mkdir()
    (data / "block").write_bytes(b"block")
    before = (data / "block").stat()
    generate(folder, topology, now_ms=NOW_MS, found=True)
    assert (data / "block").stat() == before


def test_settings_name_the_places_in_the_container(folder: NetworkFolder) -> None:
    for file in (folder.node("peer0.platform") / "core.yaml", folder.node("orderer0.trader") / "orderer.yaml"):
        text = file.read_text()
        assert str(folder.path) not in text
        assert set(re.findall(r"/etc/hyperledger/[\w/.]+", text)) <= {
            "/etc/hyperledger/fabric/msp",
            "/etc/hyperledger/fabric/tls/cert.pem",
            "/etc/hyperledger/fabric/tls/key.pem",
            "/etc/hyperledger/fabric/tls/ca.pem",
            "/etc/hyperledger/builder",
        }


@pytest.mark.parametrize("sequence", [1, 2])
def test_a_package_is_where_its_server_looks_for_it(folder: NetworkFolder, topology: Topology, sequence: int) -> None:
    Packages(folder).add(topology, sequence, version="1.0")
    found = services(topology, sequence)
    name = next(one for one in found if one.startswith("chaincode.peer0.platform"))
    source = Path(found[name]["volumes"][1].split(":")[0])
    assert (folder.path / source).is_file()
