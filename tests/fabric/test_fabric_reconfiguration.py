"""Changes of a running channel's configuration on native Fabric: whose signatures its orderers want, and get."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from countermark.audit.replay import Replay
from countermark.network.blocks import ChannelConfig, read_config
from countermark.network.client import GatewayClient
from countermark.network.configuration import (
    compute_update,
    consenters,
    with_anchor_peers,
    with_batch,
    with_consenter,
    with_consenter_certificates,
    with_orderer_organisation,
    with_organisation,
    without_organisation,
)
from countermark.network.configuration.fetching import PeerBlocks, fetch_config
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import Batch, Endpoint, OrdererOrganisation, PeerOrganisation
from countermark.network.identities import Organisation
from countermark.network.native import binaries, nodes
from countermark.network.nodes.material import consenter, definition
from countermark.network.ports import free_ports
from tests.support.fabric import joining
from tests.support.fabric.changes import ORDERER, Channel
from tests.support.fabric.network import CHAINCODE, FabricNetwork, fabric_network, ordering_text
from tests.support.market import PLATFORM, SUPERVISOR, TRADER
from tests.support.reconfiguration import newcomer as organisation

pytestmark = pytest.mark.fabric

CHANNEL = "changing"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FabricNetwork]:
    with fabric_network(tmp_path_factory.mktemp("changing"), CHANNEL) as network:
        yield network


@pytest.fixture
def channel(network: FabricNetwork) -> Iterator[Channel]:
    with closing(Channel(network)) as channel:
        yield channel


@pytest.fixture
def fourth(tmp_path: Path) -> Organisation:
    return organisation(tmp_path / "newcomer")


def test_one_of_three_is_refused_by_us_and_by_the_orderer_and_two_are_enough(
    network: FabricNetwork, channel: Channel, fourth: Organisation
) -> None:
    newcomer = PeerOrganisation(fourth.msp, (Endpoint("127.0.0.1", 9051),))

    def join(config: ChannelConfig) -> ChannelConfig:
        return with_organisation(config, newcomer)

    def leave(config: ChannelConfig) -> ChannelConfig:
        return without_organisation(config, fourth.msp_id)

    before = channel.config
    with pytest.raises(ConfigurationError, match="1 more of SupervisorMSP, TraderMSP"):
        channel.change(join, PLATFORM)
    with pytest.raises(ConfigurationError, match=r"update_refused.*policy for .*Application not satisfied"):
        channel.send(compute_update(before, join(before)), PLATFORM)
    assert channel.config.sequence == before.sequence, "nothing has happened"
    block = channel.change(join, PLATFORM, TRADER)
    now = channel.config
    assert now.organisations.msp(fourth.msp_id) == fourth.msp
    assert now.group == read_config(block).group
    with closing(GatewayClient(network.profile(SUPERVISOR))) as client:
        with closing(client.blocks(block.number, stop=block.number)) as blocks:
            assert [one.header_hash for one in blocks] == [block.header_hash], "peers have taken it"
        assert fetch_config(PeerBlocks(client)).group == now.group
    with pytest.raises(ConfigurationError, match="1 more of NewcomerMSP, SupervisorMSP"):
        channel.change(leave, PLATFORM, TRADER)
    channel.change(leave, PLATFORM, TRADER, SUPERVISOR)


def test_the_same_update_is_refused_the_second_time(channel: Channel) -> None:
    before = channel.config
    update = compute_update(before, with_batch(before, Batch(max_messages=50)))
    channel.send(update, ORDERER)
    with pytest.raises(ConfigurationError, match="update_refused"):
        channel.send(update, ORDERER)


def test_batch_is_the_orderers_to_change_and_anchor_peers_are_their_organisations(channel: Channel) -> None:
    def batch(config: ChannelConfig) -> ChannelConfig:
        return with_batch(config, Batch(timeout_ms=150, max_messages=30))

    def anchors(config: ChannelConfig) -> ChannelConfig:
        return with_anchor_peers(config, TRADER, (Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2)))

    with pytest.raises(ConfigurationError, match="1 more of OrdererMSP"):
        channel.change(batch, PLATFORM, SUPERVISOR, TRADER)
    channel.change(batch, ORDERER)
    with pytest.raises(ConfigurationError, match="1 more of TraderMSP"):
        channel.change(anchors, PLATFORM, SUPERVISOR)
    channel.change(anchors, TRADER)


def test_blocks_of_a_channel_that_a_fourth_organisation_joins_are_audited_to_the_end(network: FabricNetwork) -> None:
    blocks = joining.tell(network)
    audit = Replay(genesis=network.genesis_hash, chaincode=CHAINCODE, platform=PLATFORM, supervisor=SUPERVISOR)
    audit.apply_all(blocks)
    assert (audit.height, audit.invalid) == (len(blocks), 0)
    endorsers = [audit.history[f"account/{one.address}"][0].endorsers for one in (joining.EARLY, joining.LATE)]
    assert endorsers == [(PLATFORM, SUPERVISOR), (joining.NEWCOMER, SUPERVISOR)]


def test_orderers_of_another_organisation_join_and_get_other_certificates(
    network: FabricNetwork, channel: Channel
) -> None:
    """Last: the second orderer's process keeps its old certificate, so nothing is ordered any more."""
    network.grow(ordering_text("second", "SecondMSP", 1, iter(free_ports(3))))
    organisation = network.folder.organisation("second")
    _, node = nodes.orderers(network.folder, network.topology)
    newcomer = consenter(definition(organisation, node.plan), node.orderer)
    node.start(binaries.find())
    node.wait_ready(CHANNEL)

    def join(config: ChannelConfig) -> ChannelConfig:
        own = OrdererOrganisation(organisation.msp, (newcomer.endpoint,))
        return with_consenter(with_orderer_organisation(config, own), newcomer)

    channel.change(join, ORDERER)
    node.join(CHANNEL, channel.config_block.serialized)
    # With two consenters nothing is ordered without both of them, nor decided by one of their organisations.
    with pytest.raises(ConfigurationError, match="1 more of SecondMSP"):
        channel.change(lambda config: with_batch(config, Batch(max_messages=40)), ORDERER)
    channel.change(lambda config: with_batch(config, Batch(max_messages=40)), ORDERER, "SecondMSP")
    spare = organisation.issue_tls("spare", ["127.0.0.1"]).certificate_file.read_bytes()
    channel.change(
        lambda config: with_consenter_certificates(config, newcomer.endpoint, client=spare, server=spare),
        ORDERER,
        "SecondMSP",
    )
    assert consenters(channel.config)[1].server_tls_cert == spare
