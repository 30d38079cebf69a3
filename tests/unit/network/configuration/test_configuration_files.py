"""Updates and signatures as files: exactly the bytes that were signed come back, and anything else is refused."""

import json
from typing import Any

import pytest

from countermark.network.blocks import ChannelConfig
from countermark.network.configuration import (
    ConfigUpdate,
    compute_update,
    dump_signature,
    dump_update,
    load_signature,
    load_update,
    merge_signatures,
    sign_update,
    with_organisation,
)
from countermark.network.configuration.files import LARGEST
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import PeerOrganisation
from tests.unit.network.consortium import Network, now_ms


@pytest.fixture
def update(config: ChannelConfig, joining: PeerOrganisation) -> ConfigUpdate:
    return compute_update(config, with_organisation(config, joining))


def test_an_update_and_its_signatures_travel_as_files(
    network: Network, config: ChannelConfig, update: ConfigUpdate
) -> None:
    received = load_update(dump_update(update).encode())
    assert received == update
    files = [dump_signature(sign_update(received, network.admin(name))) for name in ("platform", "supervisor")]
    signatures = [load_signature(text.encode()) for text in files]
    signed, members = merge_signatures(config, update, signatures, at_ms=now_ms())
    assert signed.update == update.serialized
    assert [one.msp_id for one in members] == ["PlatformMSP", "SupervisorMSP"]


def test_files_say_to_people_what_they_are(network: Network, update: ConfigUpdate) -> None:
    about = json.loads(dump_update(update))
    assert about["channel"] == "market"
    assert about["digest"] == update.digest
    assert about["digest"].startswith("sha256:")
    signature = json.loads(dump_signature(sign_update(update, network.admin("trader"))))
    assert (signature["msp_id"], signature["digest"]) == ("TraderMSP", update.digest)


UPDATES: dict[str, dict[str, Any]] = {
    "another digest": {"digest": "sha256:" + "0" * 64},
    "another channel": {"channel": "other"},
    "a summary that nobody checks": {"summary": "adds nothing"},
    "another format": {"format": "countermark-config-update/2"},
    "not base64": {"update": "!!"},
    "base64 with a gap": {"update": "AA AA"},
    "not an update": {"update": "/w=="},
    "not text": {"update": 7},
}


@pytest.mark.parametrize("case", UPDATES)
def test_a_file_that_is_no_update_is_refused(update: ConfigUpdate, case: str) -> None:
    document = json.loads(dump_update(update)) | UPDATES[case]
    with pytest.raises(ConfigurationError, match="malformed_file"):
        load_update(json.dumps(document).encode())


def test_an_update_that_was_changed_on_the_way_is_refused(update: ConfigUpdate) -> None:
    document = json.loads(dump_update(update))
    document["update"] = document["update"].replace(document["update"][40:44], "AAAA", 1)
    with pytest.raises(ConfigurationError, match="malformed_file"):
        load_update(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 100_000, b"null", b" " * (LARGEST + 1)])
def test_rubbish_is_refused(data: bytes) -> None:
    for load in (load_update, load_signature):
        with pytest.raises(ConfigurationError, match="malformed_file"):
            load(data)


def test_a_member_that_stands_twice_is_refused(update: ConfigUpdate) -> None:
    text = dump_update(update).replace("{", '{"channel": "other",', 1)
    with pytest.raises(ConfigurationError, match="malformed_file"):
        load_update(text.encode())


SIGNATURES: dict[str, dict[str, Any]] = {
    "in another's name": {"msp_id": "PlatformMSP"},
    "no header": {"header": "/w=="},
    "header of nobody": {"header": ""},
    "an update": {"format": "countermark-config-update/1"},
}


@pytest.mark.parametrize("case", SIGNATURES)
def test_a_file_that_is_no_signature_is_refused(network: Network, update: ConfigUpdate, case: str) -> None:
    document = json.loads(dump_signature(sign_update(update, network.admin("trader")))) | SIGNATURES[case]
    with pytest.raises(ConfigurationError, match="malformed_file"):
        load_signature(json.dumps(document).encode())
