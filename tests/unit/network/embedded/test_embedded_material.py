"""The folder of an embedded peer: made once, kept, and strict about what is in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countermark.network.blocks import parse_block, read_config
from countermark.network.client import ConnectionProfile
from countermark.network.embedded import connections, endpoints
from countermark.network.embedded.errors import SettingsError
from countermark.network.embedded.material import generate
from countermark.network.embedded.settings import Layout, load
from countermark.network.identities import Role, SerializedIdentity
from tests.support.embedded_ledger import NOW_MS, World


def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    first = generate(tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert generate(tmp_path, channel="other") == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


def test_an_interrupted_generation_is_finished(tmp_path: Path) -> None:
    generate(tmp_path)
    authority = (tmp_path / "organisations" / "platform" / "ca" / "cert.pem").read_bytes()
    Layout(tmp_path).settings_file.unlink()
    generate(tmp_path)
    assert (tmp_path / "organisations" / "platform" / "ca" / "cert.pem").read_bytes() == authority
    assert load(Layout(tmp_path).settings_file).channel == "market"


def test_private_keys_are_for_their_owner_only(material: Path) -> None:
    keys = list(material.rglob("key.pem"))
    assert len(keys) > 10
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}


def test_platform_and_supervisor_are_needed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="missing_organisation"):
        generate(tmp_path, organisations=[("trader", "TraderMSP")])


def test_the_channel_knows_its_organisations_by_their_roots(world: World) -> None:
    consortium = read_config(parse_block(world.ledger.block(0))).organisations
    assert consortium.msp_ids == ("PlatformMSP", "SupervisorMSP", "TraderMSP")
    for name, role in (("peer0", Role.PEER), ("gateway", Role.CLIENT), ("admin", Role.ADMIN)):
        identity = SerializedIdentity.parse(world.identity("trader", name).serialized)
        assert consortium.validate(identity, at_ms=NOW_MS).role is role


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.pop(name)


@pytest.mark.parametrize(
    "damage",
    [
        _without("channel"),
        _without("chaincode"),
        lambda document: document.update(organisations=[]),
        lambda document: document["organisations"].append(document["organisations"][0]),
        lambda document: document["organisations"][0].update(unknown=1),
        lambda document: document.update(batching={"window": 1}),
        lambda document: document.update(time_window_ms="soon"),
        lambda document: document["chaincode"].update(policy={"out_of": 3, "of": ["PlatformMSP"]}),
    ],
)
def test_damaged_settings_are_refused(tmp_path: Path, material: Path, damage: Callable[[Any], None]) -> None:
    document = json.loads(Layout(material).settings_file.read_bytes())
    damage(document)
    path = tmp_path / "embedded.json"
    path.write_text(json.dumps(document))
    with pytest.raises(SettingsError):
        load(path)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"x"'])
def test_settings_of_another_shape_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "embedded.json"
    path.write_text(text)
    with pytest.raises(SettingsError):
        load(path)


def test_chaincode_addresses_are_of_known_organisations(material: Path) -> None:
    settings = load(Layout(material).settings_file)
    changed = settings.with_chaincode({"TraderMSP": "127.0.0.1:1"})
    assert [one.chaincode for one in changed.organisations] == ["", "", "127.0.0.1:1"]
    with pytest.raises(SettingsError, match="OtherMSP"):
        settings.with_chaincode({"OtherMSP": "127.0.0.1:1"})


def test_ports_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    assert endpoints.load_ports(path) == {}
    endpoints.save_ports(path, {"PlatformMSP": 1234})
    assert endpoints.load_ports(path) == {"PlatformMSP": 1234}
    path.write_text("[]")
    with pytest.raises(SettingsError, match="malformed_ports"):
        endpoints.load_ports(path)


def test_profiles_appear_and_go_all_together(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "connection"
    organisation = world.material.organisation("platform")
    profile = connections.profile(organisation, channel="market", chaincode="countermark", gateway="127.0.0.1:7051")
    for _ in range(2):
        connections.publish(folder, [("platform", profile), ("trader", profile)])
        assert sorted(path.name for path in folder.iterdir()) == ["platform.json", "trader.json"]
        assert ConnectionProfile.load(folder / "platform.json") == profile
    connections.withdraw(folder)
    assert list(tmp_path.glob("*connection*")) == []
