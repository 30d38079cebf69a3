"""The genesis block: what Fabric's nodes, and our own reader, find in it."""

import pytest
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
from fabric_protos.peer import configuration_pb2 as peer_pb2

from countermark.network.blocks import parse_block, read_config, verify_data_hash, verify_link
from countermark.network.errors import BlockError
from countermark.network.genesis import genesis_block
from countermark.network.identities import Role, SerializedIdentity
from tests.unit.network.consortium import CHANNEL, Network, now_ms


@pytest.fixture(scope="module")
def root(network: Network) -> configtx_pb2.ConfigGroup:
    block = common_pb2.Block.FromString(genesis_block(network.definition(), now_ms=now_ms()))
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(block.data.data[0]).payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    assert (header.type, header.channel_id) == (common_pb2.CONFIG, CHANNEL)
    return configtx_pb2.ConfigEnvelope.FromString(payload.data).config.channel_group


def test_it_is_block_0_of_a_chain_and_gives_back_the_organisations(network: Network) -> None:
    block = network.genesis()
    verify_link(block, number=0, previous_hash=b"")
    verify_data_hash(block)
    assert block.orderer_signatures == ()
    (transaction,) = block.transactions
    assert (transaction.kind, transaction.creator_msp) == ("config", "")
    config = read_config(block)
    assert (config.channel, config.sequence) == (CHANNEL, 0)
    assert config.organisations.msp_ids == ("PlatformMSP", "SupervisorMSP", "TraderMSP")
    assert config.orderers.msp_ids == ("OrdererMSP",)
    for name, organisation in network.organisations.items():
        assert config.organisations.msp(organisation.msp_id) == organisation.msp
        identity = SerializedIdentity.parse(network.client(name).serialized)
        assert config.organisations.validate(identity, at_ms=now_ms()).role is Role.CLIENT


def test_other_blocks_are_no_configuration(network: Network) -> None:
    block = network.block(1, b"p", [network.transaction(network.propose())])
    with pytest.raises(BlockError, match="not_a_config_block"):
        read_config(block)


def test_the_capabilities_are_those_of_fabric_3(root: configtx_pb2.ConfigGroup) -> None:
    groups = {"Channel": root, "Application": root.groups["Application"], "Orderer": root.groups["Orderer"]}
    found = {
        name: list(configuration_pb2.Capabilities.FromString(group.values["Capabilities"].value).capabilities)
        for name, group in groups.items()
    }
    assert found == {"Channel": ["V3_0"], "Application": ["V2_5"], "Orderer": ["V2_0"]}


def test_orderer_endpoints_stand_with_their_organisation_and_nowhere_else(root: configtx_pb2.ConfigGroup) -> None:
    assert "OrdererAddresses" not in root.values
    value = root.groups["Orderer"].groups["OrdererMSP"].values["Endpoints"].value
    assert list(configuration_pb2.OrdererAddresses.FromString(value).addresses) == ["127.0.0.1:7050"]


def test_every_group_has_its_policies_and_nothing_lacks_a_mod_policy(root: configtx_pb2.ConfigGroup) -> None:
    expected = {
        "Application": {"Admins", "Readers", "Writers", "Endorsement", "LifecycleEndorsement"},
        "Orderer": {"Admins", "Readers", "Writers", "BlockValidation"},
        "PlatformMSP": {"Admins", "Readers", "Writers", "Endorsement"},
        "OrdererMSP": {"Admins", "Readers", "Writers"},
    }
    seen = set()

    def walk(name: str, group: configtx_pb2.ConfigGroup) -> None:
        assert group.mod_policy == "Admins"
        assert all(value.mod_policy == "Admins" for value in group.values.values())
        assert all(policy.mod_policy == "Admins" for policy in group.policies.values())
        if name in expected:
            assert set(group.policies) == expected[name]
            seen.add(name)
        for child, below in group.groups.items():
            walk(child, below)

    walk("Channel", root)
    assert seen == set(expected)


def test_a_change_of_the_application_wants_a_majority_of_admins(root: configtx_pb2.ConfigGroup) -> None:
    policy = root.groups["Application"].policies["Admins"].policy
    assert policy.type == policies_pb2.Policy.IMPLICIT_META
    meta = policies_pb2.ImplicitMetaPolicy.FromString(policy.value)
    assert (meta.rule, meta.sub_policy) == (policies_pb2.ImplicitMetaPolicy.MAJORITY, "Admins")


def test_an_msp_tells_roles_by_node_ous_and_carries_no_private_key(root: configtx_pb2.ConfigGroup) -> None:
    value = root.groups["Application"].groups["PlatformMSP"].values["MSP"].value
    msp = msp_config_pb2.FabricMSPConfig.FromString(msp_config_pb2.MSPConfig.FromString(value).config)
    assert msp.name == "PlatformMSP"
    assert msp.fabric_node_ous.enable
    assert msp.fabric_node_ous.orderer_ou_identifier.organizational_unit_identifier == "orderer"
    assert len(msp.root_certs) == len(msp.tls_root_certs) == 1
    assert b"PRIVATE" not in value


def test_raft_batch_and_anchor_peers(root: configtx_pb2.ConfigGroup) -> None:
    orderer = root.groups["Orderer"]
    consensus = orderer_pb2.ConsensusType.FromString(orderer.values["ConsensusType"].value)
    raft = etcdraft_pb2.ConfigMetadata.FromString(consensus.metadata)
    assert consensus.type == "etcdraft"
    assert [(one.host, one.port) for one in raft.consenters] == [("127.0.0.1", 7050)]
    assert raft.options.tick_interval == "100ms"
    assert orderer_pb2.BatchTimeout.FromString(orderer.values["BatchTimeout"].value).timeout == "200ms"
    anchors = root.groups["Application"].groups["TraderMSP"].values["AnchorPeers"].value
    assert [(one.host, one.port) for one in peer_pb2.AnchorPeers.FromString(anchors).anchor_peers] == [
        ("127.0.0.1", 7053)
    ]


def test_two_channels_of_the_same_name_differ(network: Network) -> None:
    definition, now = network.definition(), now_ms()
    first, second = (parse_block(genesis_block(definition, now_ms=now)) for _ in range(2))
    assert first.header_hash != second.header_hash
