"""Connection profiles: what is read, and what is refused."""

import json
from pathlib import Path

import pytest

from countermark.network.client import (
    ConnectionProfile,
    GatewayClient,
    ProfileError,
)
from tests.unit.network.gateway_on_loopback import LoopbackPeer


def test_a_profile_is_read_as_it_was_written(tmp_path: Path, peer: LoopbackPeer) -> None:
    profile = peer.profile("trader")
    path = tmp_path / "trader.json"
    path.write_text(profile.dumps())
    assert ConnectionProfile.load(path) == profile
    assert set(json.loads(path.read_text())) == {
        *("msp_id", "channel", "chaincode", "gateway", "host_override", "tls_ca_file", "cert_file", "key_file")
    }


def test_files_of_a_profile_count_from_its_folder(tmp_path: Path, peer: LoopbackPeer) -> None:
    document = {**json.loads(peer.profile().dumps()), "key_file": "keys/key.pem"}
    path = tmp_path / "p.json"
    path.write_text(json.dumps(document))
    assert ConnectionProfile.load(path).key_file == tmp_path / "keys/key.pem"


@pytest.mark.parametrize(
    "text",
    [None, "", "[]", "{}", '{"msp_id": "A"}', "{", "\xff", "[" * 9_000, json.dumps(dict.fromkeys(["msp_id"], 1))],
)
def test_a_damaged_profile_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "p.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ProfileError):
        ConnectionProfile.load(path)


@pytest.mark.parametrize(
    "change",
    [{"extra": "x"}, {"msp_id": 7}, {"key_file": None}, {"key_file": "a\0b"}, {"cert_file": "\ud800"}],
    ids=ascii,
)
def test_a_profile_with_other_members_is_refused(
    tmp_path: Path, peer: LoopbackPeer, change: dict[str, object]
) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({**json.loads(peer.profile().dumps()), **change}))
    with pytest.raises(ProfileError):
        ConnectionProfile.load(path)


@pytest.mark.parametrize("member", ["tls_ca_file", "cert_file", "key_file"])
def test_a_missing_file_is_named(peer: LoopbackPeer, tmp_path: Path, member: str) -> None:
    with pytest.raises(ProfileError, match="nothing-here"):
        GatewayClient(peer.profile(**{member: tmp_path / "nothing-here"}))
