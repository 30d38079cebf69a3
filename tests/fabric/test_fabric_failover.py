"""A peer or a chaincode server of native Fabric is killed: transactions go on by another gateway."""

import secrets
from collections.abc import Iterator

import pytest

from countermark.network.client import GatewayClient, LedgerError, UnavailableError
from tests.support.fabric.network import FabricNetwork
from tests.support.fabric.story import Story
from tests.support.market import PLATFORM, SUPERVISOR, TRADER

pytestmark = pytest.mark.fabric


@pytest.fixture
def client(network: FabricNetwork, story: Story) -> Iterator[GatewayClient]:
    """The platform's, who asks all organisations' gateways, its own first."""
    client = GatewayClient(*(network.profile(msp_id) for msp_id in (PLATFORM, SUPERVISOR, TRADER)))
    yield client
    client.close()


def mint(story: Story, client: GatewayClient) -> None:
    """Mint 5 minor units, which supervisor and any other organisation may endorse."""
    deposit = {"to": story.market.supervisor.address, "amount": "5", "reference": secrets.token_hex(8)}
    token = story.market.sign(story.market.issuer, "coin.mint", deposit)
    endorsed = client.endorse("coin.mint", [token, "{}"])
    client.submit(endorsed.tx_id, endorsed.envelope)
    client.commit_status(endorsed.tx_id).check()


def test_a_killed_gateway_peer_costs_no_error(network: FabricNetwork, story: Story, client: GatewayClient) -> None:
    before = story.market.total()
    with network.without_peer(PLATFORM):
        for _ in range(3):
            mint(story, client)
        height = client.newest_block().number + 1
        assert [one.number for one in client.blocks(0, stop=height - 1)] == list(range(height))
        both = (PLATFORM, SUPERVISOR)
        with pytest.raises(LedgerError) as caught:
            client.endorse("market.init", ["{}"], transient={"pepper": b"p" * 32}, endorsing_organisations=both)
        assert TRADER not in {detail.msp_id for detail in caught.value.details}
    mint(story, client)
    assert story.market.total() == before + 4 * 5


def test_a_killed_chaincode_server_is_gone_round_by_another_gateway(
    network: FabricNetwork, story: Story, client: GatewayClient
) -> None:
    before = story.market.total()
    with network.without_chaincode(PLATFORM):
        with pytest.raises(UnavailableError, match=r"could not launch chaincode|chaincode stream terminated"):
            network.client(PLATFORM).endorse("market.show")
        mint(story, client)
    assert story.market.total() == before + 5
