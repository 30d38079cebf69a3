"""The folder of a network: made once and kept, private keys for their owner only, nothing made anew or by halves."""

import ssl
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtensionOID

from countermark.network.blocks import parse_block, read_config
from countermark.network.client import ConnectionProfile
from countermark.network.errors import IdentityError
from countermark.network.identities import Role, SerializedIdentity
from countermark.network.identities.certificates import load_certificate
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import Generated, generate
from countermark.network.topology import Topology, TopologyError, load
from countermark.network.topology.definitions import load as load_definition
from tests.support.clock import now_ms
from tests.support.trees import tree

Describe = Callable[[str, str], Topology]


def again(folder: NetworkFolder, topology: Topology | None = None) -> Generated:
    return generate(folder, topology or load(folder.description), now_ms=now_ms(), found=True)


def test_generating_again_changes_no_byte_and_no_time_of_change(folder: NetworkFolder) -> None:
    before = tree(folder.path)
    assert again(folder) == Generated(founded=False, waiting=False)
    assert tree(folder.path) == before


def test_private_keys_are_for_their_owner_only_wherever_they_lie(made: NetworkFolder) -> None:
    holding = [path for path in made.path.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}
    authorities, members, nodes = 2 * 3, 3 * 2 + 7, 7
    endpoints = 7 + 4
    assert len(holding) == authorities + members + endpoints + nodes
    assert not list(made.path.rglob(".*")), "temporary files are left"


def test_a_key_that_others_could_read_is_closed_again(folder: NetworkFolder) -> None:
    key = folder.node("peer0.platform") / "msp" / "keystore" / "key.pem"
    key.chmod(0o644)
    again(folder)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_what_is_missing_is_made_and_the_rest_left_alone(folder: NetworkFolder) -> None:
    before = tree(folder.path)
    gone = [
        folder.node("peer0.platform") / "core.yaml",
        folder.node("orderer0.trader") / "msp" / "config.yaml",
        folder.connections / "trader.json",
        folder.builder / "bin" / "release",
        folder.definition("supervisor"),
    ]
    for path in gone:
        path.unlink()
    again(folder)
    after = tree(folder.path)
    places = {str(path.relative_to(folder.path)) for path in gone}
    assert {name: entry for name, entry in after.items() if name not in places} == {
        name: entry for name, entry in before.items() if name not in places
    }
    assert {name: (after[name][1], after[name][3]) for name in places} == {
        name: (before[name][1], before[name][3]) for name in places
    }


def test_a_run_that_was_cut_short_is_gone_on_with(folder: NetworkFolder) -> None:
    """As if it had ended before the second authority of an organisation was there."""
    for path in sorted(folder.organisation_path("trader").rglob("*"), reverse=True):
        if path.is_file() and "ca" not in path.relative_to(folder.organisation_path("trader")).parts[0]:
            path.unlink()
    folder.genesis.unlink()
    assert again(folder).founded
    msp = read_config(parse_block(folder.genesis.read_bytes())).organisations.msp("TraderMSP")
    assert msp == folder.organisation("trader").msp


@pytest.mark.parametrize(
    ("old", "new"),
    [("msp_id: TraderMSP", "msp_id: OtherMSP"), ("domain: trader.example", "domain: other.example")],
)
def test_keys_of_another_organisation_are_not_taken_for_the_described_ones(
    folder: NetworkFolder, describe: Describe, old: str, new: str
) -> None:
    """Nor is anything written for those that are new and come before it."""
    text = folder.description.read_text()
    fresh = "  - {name: fresh, msp_id: FreshMSP, domain: fresh.example, orderers: [{name: o, host: 127.0.0.1, "
    fresh += "ports: {orderer: 9001, admin: 9002, operations: 9003}}]}\n"
    folder.description.write_text(text.replace("  - name: platform", f"{fresh}  - name: platform"))
    topology = describe(old, new)
    before = tree(folder.path)
    with pytest.raises(TopologyError, match="organisations/trader holds the keys of TraderMSP") as refused:
        again(folder, topology)
    assert (refused.value.code, refused.value.line) == ("organisation_changed", topology.lines["trader"])
    assert tree(folder.path) == before


def test_another_name_for_the_channel_is_refused_once_it_is_founded(
    folder: NetworkFolder, describe: Describe
) -> None:
    topology = describe("channel: market", "channel: fair")
    before = tree(folder.path)
    with pytest.raises(TopologyError, match="begins the channel market") as refused:
        again(folder, topology)
    assert (refused.value.code, refused.value.line) == ("other_genesis", topology.lines["channel:"])
    assert tree(folder.path) == before


def test_a_damaged_organisation_is_named_and_not_replaced(folder: NetworkFolder) -> None:
    (folder.organisation_path("trader") / "organisation.json").write_text("{")
    before = tree(folder.path)
    with pytest.raises(IdentityError, match=r"malformed_organisation.*trader"):
        again(folder)
    assert tree(folder.path) == before


def test_a_changed_port_changes_settings_and_connection_files_and_no_key(
    folder: NetworkFolder, describe: Describe
) -> None:
    before = tree(folder.path)
    again(folder, describe("peer: 7001", "peer: 7101"))
    after = tree(folder.path)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {
        *("network.yaml", "nodes/peer0.platform/core.yaml", "definitions/platform.json"),
        *("connection/platform.json", "connection/peer0.platform.json"),
    }


def test_genesis_block_is_of_the_described_organisations(made: NetworkFolder) -> None:
    config = read_config(parse_block(made.genesis.read_bytes()))
    assert config.channel == "market"
    assert config.organisations.msp_ids == config.orderers.msp_ids == ("PlatformMSP", "SupervisorMSP", "TraderMSP")
    for name in ("platform", "supervisor", "trader"):
        msp = made.organisation(name).msp
        assert config.organisations.msp(msp.msp_id) == msp
        assert load_definition(made.definition(name)).msp == msp


@pytest.mark.parametrize(
    ("member", "role"),
    [("admin", Role.ADMIN), ("gateway", Role.CLIENT), ("peer0", Role.PEER), ("orderer0", Role.ORDERER)],
)
def test_every_member_has_the_role_that_its_msp_accepts(made: NetworkFolder, member: str, role: Role) -> None:
    organisation = made.organisation("trader")
    identity = SerializedIdentity.parse(organisation.identity(member).serialized)
    assert organisation.msp.validate(identity, at_ms=now_ms()).role is role


def test_certificates_hold_for_every_name_that_nodes_are_told(made: NetworkFolder) -> None:
    for name in ("peer0", "orderer0", "chaincode.peer0"):
        pem = (made.organisation_path("platform") / "tls" / name / "cert.pem").read_bytes()
        text = load_certificate(pem).parsed
        names = text.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        assert {str(one.value) for one in names} == {f"{name}.platform.example", "localhost", "127.0.0.1"}


def test_certificates_hold_for_years_and_no_longer_than_their_authority(made: NetworkFolder) -> None:
    organisation = made.organisation_path("platform")
    authority = load_certificate((organisation / "ca" / "cert.pem").read_bytes())
    member = load_certificate((organisation / "identities" / "admin" / "cert.pem").read_bytes())
    assert datetime.now(UTC) < member.not_after < authority.not_after


def test_connection_files_lead_to_each_peer_with_keys_that_are_there(made: NetworkFolder) -> None:
    names = {path.name for path in made.connections.iterdir()}
    assert names == {
        *("platform.json", "supervisor.json", "trader.json"),
        *("peer0.platform.json", "peer0.supervisor.json", "peer1.supervisor.json", "peer0.trader.json"),
    }
    assert (made.connections / "supervisor.json").read_bytes() == (
        made.connections / "peer0.supervisor.json"
    ).read_bytes()
    for name in names:
        profile = ConnectionProfile.load(made.connections / name)
        assert (profile.channel, profile.chaincode) == ("market", "countermark")
        context = ssl.create_default_context(cafile=str(profile.tls_ca_file))
        context.load_cert_chain(str(profile.cert_file), str(profile.key_file))
    platform = ConnectionProfile.load(made.connections / "platform.json")
    assert (platform.msp_id, platform.gateway) == ("PlatformMSP", "127.0.0.1:7001")


@pytest.fixture
def empty(tmp_path: Path, made: NetworkFolder) -> NetworkFolder:
    folder = NetworkFolder(tmp_path / "empty")
    folder.path.mkdir()
    folder.description.write_text(made.description.read_text())
    return folder


def test_who_does_not_found_the_channel_waits_for_its_block(empty: NetworkFolder) -> None:
    made = generate(empty, load(empty.description), now_ms=now_ms(), found=False)
    assert made == Generated(founded=False, waiting=True)
    assert not empty.genesis.exists()
    assert empty.definition("platform").exists()
