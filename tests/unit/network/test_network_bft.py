"""Channels ordered by BFT: consenters by number in the genesis block, a quorum of whom must sign every block."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.smartbft import configuration_pb2 as smartbft_pb2

from countermark.network.blocks import (
    Block,
    ChannelConfig,
    OutOf,
    SignedByIdentity,
    build_block,
    header_bytes,
    parse_block,
    read_config,
    verify_orderers,
)
from countermark.network.configuration import (
    compute_update,
    consenters,
    describe,
    needed,
    with_consenter,
    with_consenter_certificates,
    without_consenter,
)
from countermark.network.configuration.wording import fingerprint
from countermark.network.errors import BlockError, ConfigurationError
from countermark.network.genesis import Bft, ChannelDefinition, Consenter, Endpoint, genesis_block
from countermark.network.genesis.consensus import bft_quorum
from countermark.network.identities import Role, SerializedIdentity, SigningIdentity
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.topology import Consensus, Mode, parse_topology
from countermark.network.topology.default import default_text, port_count
from tests.unit.network.consortium import Network, now_ms

FOUR = tuple(f"bft{number}" for number in range(4))


def consenter(network: Network, name: str, port: int) -> Consenter:
    tls = network.orderers.issue_tls(name, ["127.0.0.1"]).certificate_file.read_bytes()
    network.orderers.issue(name, Role.ORDERER)
    identity = network.orderers.identity(name)
    return Consenter(Endpoint("127.0.0.1", port), tls, tls, "OrdererMSP", identity.certificate_pem)


@pytest.fixture(scope="module")
def definition(network: Network) -> ChannelDefinition:
    four = tuple(consenter(network, name, 7050 + index) for index, name in enumerate(FOUR))
    return replace(network.definition(), consenters=four, consensus=Bft(batch_interval_ms=100))


@pytest.fixture(scope="module")
def config(definition: ChannelDefinition) -> ChannelConfig:
    return read_config(parse_block(genesis_block(definition, now_ms=now_ms())))


def signed(network: Network, signatures: Iterable[tuple[int, str]], *, raw: Sequence[bytes] = ()) -> Block:
    """A block that orderers, given by name, have signed under numbers."""
    envelopes = list(raw) or [network.transaction(network.propose())]
    wire = common_pb2.Block.FromString(build_block(1, b"p", envelopes, last_config=0, orderer=None))
    metadata = common_pb2.Metadata.FromString(wire.metadata.metadata[0])
    header = header_bytes(1, b"p", wire.header.data_hash)
    for number, name in signatures:
        orderer: SigningIdentity = network.orderers.identity(name)
        head = common_pb2.IdentifierHeader(identifier=number, nonce=b"n" * 24).SerializeToString()
        metadata.signatures.add(identifier_header=head, signature=orderer.sign(metadata.value + head + header))
    wire.metadata.metadata[0] = metadata.SerializeToString()
    return parse_block(wire.SerializeToString())


@pytest.mark.parametrize(
    ("count", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7), (13, 9)]
)
def test_two_quorums_always_share_an_honest_consenter(count: int, quorum: int) -> None:
    assert bft_quorum(count) == quorum
    assert 2 * quorum - count > (count - 1) // 3


def test_consenters_stand_under_numbers_and_the_policy_of_blocks_names_their_certificates(
    definition: ChannelDefinition, config: ChannelConfig
) -> None:
    identities = [SerializedIdentity("OrdererMSP", one.identity) for one in definition.consenters]
    assert config.consenters == dict(enumerate(identities, start=1))
    assert config.block_validation == OutOf(3, tuple(map(SignedByIdentity, identities)))
    assert consenters(config) == definition.consenters
    value = config.group.groups["Orderer"].values["ConsensusType"].value
    consensus = orderer_pb2.ConsensusType.FromString(value)
    assert consensus.type == "BFT"
    options = smartbft_pb2.Options.FromString(consensus.metadata)
    assert options.request_batch_max_interval == "100ms"
    assert options.leader_rotation == smartbft_pb2.Options.ROTATION_OFF


def test_a_consenter_without_certificate_makes_no_channel(definition: ChannelDefinition) -> None:
    first, *others = definition.consenters
    bare = replace(definition, consenters=(replace(first, identity=b""), *others))
    with pytest.raises(ConfigurationError, match="incomplete_consenter"):
        genesis_block(bare, now_ms=now_ms())


def test_three_of_four_make_a_block(network: Network, config: ChannelConfig) -> None:
    block = signed(network, [(1, "bft0"), (2, "bft1"), (4, "bft3")])
    assert [one.consenter for one in block.orderer_signatures] == [1, 2, 4]
    assert len(verify_orderers(block, config)) == 3


SIGNATURES: dict[str, list[tuple[int, str]]] = {
    "two of four": [(1, "bft0"), (2, "bft1")],
    "two, one of them twice": [(1, "bft0"), (2, "bft1"), (2, "bft1")],
    "one under three numbers": [(1, "bft0"), (2, "bft0"), (3, "bft0")],
    "numbers exchanged": [(2, "bft0"), (1, "bft1"), (3, "bft2"), (4, "bft3")],
    "a number that nobody has": [(1, "bft0"), (2, "bft1"), (5, "bft2")],
    "an orderer that is no consenter": [(1, "bft0"), (2, "bft1"), (3, "orderer0")],
    "nobody": [],
}


@pytest.mark.parametrize("case", SIGNATURES)
def test_fewer_than_a_quorum_make_none(network: Network, config: ChannelConfig, case: str) -> None:
    with pytest.raises(BlockError, match="orderer_signature"):
        verify_orderers(signed(network, SIGNATURES[case]), config)


def test_a_block_signed_by_name_as_under_raft_needs_a_quorum_too(network: Network, config: ChannelConfig) -> None:
    block = network.block(1, b"p", [network.transaction(network.propose())])
    with pytest.raises(BlockError, match="orderer_signature"):
        verify_orderers(block, config)


def test_numbers_mean_nothing_under_raft(network: Network) -> None:
    with pytest.raises(BlockError, match="unknown_consenter"):
        verify_orderers(signed(network, [(1, "orderer0")]), network.config)


def test_consenters_come_and_go_and_the_quorum_with_them(network: Network, config: ChannelConfig) -> None:
    fifth = consenter(network, "bft4", 7054)
    after = with_consenter(config, fifth)
    assert set(after.consenters) == {1, 2, 3, 4, 5}
    assert isinstance(after.block_validation, OutOf)
    assert (after.block_validation.n, len(after.block_validation.rules)) == (4, 5)
    update = compute_update(config, after)
    assert needed(config, update) == ("/Channel/Orderer/Admins",)
    told = describe(config, update)
    assert f"signing as OrdererMSP {fingerprint(fifth.identity)}" in "\n".join(told)
    assert without_consenter(after, fifth.endpoint).group == config.group
    with pytest.raises(ConfigurationError, match="incomplete_consenter"):
        with_consenter(config, Consenter(Endpoint("o", 1), b"c", b"s"))


def test_a_renewed_certificate_is_the_one_that_counts_from_then_on(network: Network, config: ChannelConfig) -> None:
    network.orderers.issue("renewed", Role.ORDERER)
    first = consenters(config)[0]
    after = with_consenter_certificates(
        config,
        first.endpoint,
        client=first.client_tls_cert,
        server=first.server_tls_cert,
        identity=network.orderers.identity("renewed").certificate_pem,
    )
    old, new = ([(1, name), (2, "bft1"), (3, "bft2")] for name in ("bft0", "renewed"))
    assert len(verify_orderers(signed(network, old), config)) == 3
    assert len(verify_orderers(signed(network, new), after)) == 3
    for signatures, told in ((new, config), (old, after)):
        with pytest.raises(BlockError, match="orderer_signature"):
            verify_orderers(signed(network, signatures), told)


def test_a_network_that_is_described_with_bft_begins_with_it(tmp_path: Path) -> None:
    ports = range(20_000, 20_000 + port_count(Consensus.BFT))
    topology = parse_topology(default_text(Mode.NATIVE, Consensus.BFT, ports).encode(), tmp_path)
    folder = NetworkFolder(tmp_path)
    generate(folder, topology, now_ms=now_ms(), found=True)
    config = read_config(parse_block(folder.genesis.read_bytes()))
    orderers = [(plan.msp_id, orderer.endpoint) for plan, orderer in topology.orderers()]
    assert [(one.msp_id, one.endpoint) for one in consenters(config)] == orderers
    for number, (plan, orderer) in enumerate(topology.orderers(), start=1):
        own = folder.organisation(plan.name).identity(orderer.name.partition(".")[0])
        assert config.consenters[number].serialized == own.serialized
