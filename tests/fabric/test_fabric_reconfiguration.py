"""Changes of a running channel's configuration on native Fabric: whose signatures its orderers want, and get."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from countermark.network.blocks import Block, ChannelConfig, read_config, verify_config, verify_orderers
from countermark.network.client import GatewayClient, OrdererClient
from countermark.network.configuration import (
    ConfigUpdate,
    check_complete,
    compute_update,
    consenters,
    merge_signatures,
    sign_update,
    with_anchor_peers,
    with_batch,
    with_consenter,
    with_consenter_certificates,
    with_organisation,
    without_consenter,
    without_organisation,
)
from countermark.network.configuration.fetching import PeerBlocks, fetch_config, fetch_config_block
from countermark.network.configuration.submission import submit_update
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import Batch, Endpoint, PeerOrganisation
from countermark.network.identities import Organisation, SigningIdentity
from tests.support.clock import now_ms
from tests.support.fabric import participation
from tests.support.fabric.network import FabricNetwork, fabric_network
from tests.support.market import PLATFORM, SUPERVISOR, TRADER
from tests.support.reconfiguration import newcomer

pytestmark = pytest.mark.fabric

CHANNEL = "changing"
ORDERER = "OrdererMSP"


class Channel:
    """A channel of which every organisation's administrator can be asked for a signature."""

    def __init__(self, network: FabricNetwork) -> None:
        self.network = network
        organisations = [node.organisation for node in (*network.topology.peers.values(), network.topology.orderer)]
        self._organisations = {one.msp_id: one for one in organisations}
        self._orderer = self.orderer(0)

    def administrator(self, msp_id: str) -> SigningIdentity:
        return self._organisations[msp_id].identity("admin")

    def orderer(self, number: int) -> OrdererClient:
        node = self.network.topology.orderers[number]
        return OrdererClient(
            node.address("general"),
            tls_ca=node.organisation.tls_ca_file.read_bytes(),
            channel=CHANNEL,
            identity=self.administrator(PLATFORM),
        )

    @property
    def config(self) -> ChannelConfig:
        return fetch_config(self._orderer)

    def change(self, after: ChannelConfig, *signers: str) -> Block:
        """Have the channel become `after`, by the signatures of `signers`, and return the block that did it."""
        before = self.config
        update = compute_update(before, after)
        signatures = [sign_update(update, self.administrator(msp_id)) for msp_id in signers]
        signed, members = merge_signatures(before, update, signatures, at_ms=now_ms())
        check_complete(before, update, members)
        block = submit_update([self._orderer], update, signed, self.administrator(signers[0]))
        verify_orderers(block, before)
        config = verify_config(block, before)
        assert (config.sequence, block.last_config) == (before.sequence + 1, block.number)
        return block

    def send(self, update: ConfigUpdate, *signers: str) -> Block:
        """Send `update` whether that is enough or not."""
        signatures = [sign_update(update, self.administrator(msp_id)) for msp_id in signers]
        signed, _ = merge_signatures(self.config, update, signatures, at_ms=now_ms())
        return submit_update([self._orderer], update, signed, self.administrator(signers[0]))

    def close(self) -> None:
        self._orderer.close()


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    with fabric_network(tmp_path_factory.mktemp("changing"), orderers=2) as network:
        network.create_channel(CHANNEL, consenters=1)
        with closing(Channel(network)) as channel:
            yield channel


@pytest.fixture
def fourth(tmp_path: Path) -> Organisation:
    return newcomer(tmp_path / "newcomer")


def test_one_of_three_is_refused_by_us_and_by_the_orderer_and_two_are_enough(
    channel: Channel, fourth: Organisation
) -> None:
    before = channel.config
    after = with_organisation(before, PeerOrganisation(fourth.msp, (Endpoint("127.0.0.1", 9051),)))
    with pytest.raises(ConfigurationError, match="1 more of SupervisorMSP, TraderMSP"):
        channel.change(after, PLATFORM)
    with pytest.raises(ConfigurationError, match=r"update_refused.*policy for .*Application not satisfied"):
        channel.send(compute_update(before, after), PLATFORM)
    assert channel.config.sequence == before.sequence, "nothing has happened"
    block = channel.change(after, PLATFORM, TRADER)
    now = channel.config
    assert now.organisations.msp("NewcomerMSP") == fourth.msp
    assert now.group == read_config(block).group
    with closing(GatewayClient(channel.network.profile(SUPERVISOR, CHANNEL))) as client:
        with closing(client.blocks(block.number, stop=block.number)) as blocks:
            assert [one.header_hash for one in blocks] == [block.header_hash], "peers have taken it"
        assert fetch_config(PeerBlocks(client)).group == now.group
    left = without_organisation(now, "NewcomerMSP")
    with pytest.raises(ConfigurationError, match="1 more of NewcomerMSP, SupervisorMSP"):
        channel.change(left, PLATFORM, TRADER)
    channel.change(left, PLATFORM, TRADER, SUPERVISOR)


def test_the_same_update_is_refused_the_second_time(channel: Channel) -> None:
    before = channel.config
    update = compute_update(before, with_batch(before, Batch(max_messages=50)))
    channel.send(update, ORDERER)
    with pytest.raises(ConfigurationError, match="update_refused"):
        channel.send(update, ORDERER)


def test_batch_is_the_orderers_to_change_and_anchor_peers_are_their_organisations(channel: Channel) -> None:
    before = channel.config
    batch = with_batch(before, Batch(timeout_ms=150, max_messages=30))
    with pytest.raises(ConfigurationError, match="1 more of OrdererMSP"):
        channel.change(batch, PLATFORM, SUPERVISOR, TRADER)
    channel.change(batch, ORDERER)
    moved = with_anchor_peers(channel.config, TRADER, (Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2)))
    with pytest.raises(ConfigurationError, match="1 more of TraderMSP"):
        channel.change(moved, PLATFORM, SUPERVISOR)
    channel.change(moved, TRADER)


def test_an_orderer_joins_gets_other_certificates_and_leaves(channel: Channel) -> None:
    second = channel.network.topology.orderers[1]
    channel.change(with_consenter(channel.config, second.consenter), ORDERER)
    with closing(channel.orderer(0)) as first:
        participation.join(second, fetch_config_block(first).serialized)
    # With two consenters nothing is ordered without both of them.
    channel.change(with_batch(channel.config, Batch(max_messages=40)), ORDERER)
    certificate = second.organisation.issue_tls("spare", ["127.0.0.1"]).certificate_file.read_bytes()
    renewed = with_consenter_certificates(
        channel.config, second.endpoint("general"), client=certificate, server=certificate
    )
    assert consenters(renewed)[1].server_tls_cert == certificate
    channel.change(without_consenter(channel.config, second.endpoint("general")), ORDERER)
    assert [one.endpoint for one in consenters(channel.config)] == [
        channel.network.topology.orderer.endpoint("general")
    ]
