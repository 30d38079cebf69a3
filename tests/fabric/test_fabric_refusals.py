"""What native Fabric itself refuses, whatever the contracts say."""

import secrets
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2

from countermark.chaincode import state
from countermark.network.client import (
    CommitStatus,
    DeliverError,
    Endorsed,
    EndorseError,
    EvaluateError,
    GatewayClient,
)
from countermark.network.envelopes import (
    EndorsedTransaction,
    Envelope,
    Header,
    Proposal,
    assemble,
    build_payload,
    sign_payload,
)
from countermark.network.lifecycle.patience import patiently
from countermark.protocol import canonical
from tests.support import dishonest_chaincode
from tests.support.clock import now_ms
from tests.support.fabric.network import NAMES, TIME_WINDOW_S, FabricNetwork
from tests.support.fabric.patience import settled, submit
from tests.support.fabric.story import Story
from tests.support.market import PLATFORM, SUPERVISOR, TRADER

pytestmark = pytest.mark.fabric


@pytest.fixture
def client(network: FabricNetwork, story: Story) -> GatewayClient:
    """The platform's, who may submit everything."""
    return network.client(PLATFORM)


def minting(story: Story, client: GatewayClient, *, at_ms: int | None = None) -> Proposal:
    """A proposal to which the contracts have no objection."""
    market = story.market
    deposit = {"to": market.supervisor.address, "amount": "5", "reference": secrets.token_hex(8)}
    token = market.sign(market.issuer, "coin.mint", deposit)
    return client.prepare("coin.mint", [token, "{}"], now_ms=at_ms)


def finish(client: GatewayClient, proposal: Proposal, *endorsers: str) -> CommitStatus:
    endorsed = client.endorse_proposal(proposal, endorsing_organisations=endorsers)
    submit(client, endorsed)
    return settled([client], endorsed.tx_id)


@pytest.mark.parametrize("endorsers", [[PLATFORM], [TRADER], [SUPERVISOR], [PLATFORM, TRADER]])
def test_transaction_without_the_supervisor_and_another_is_invalid(
    story: Story, client: GatewayClient, endorsers: list[str]
) -> None:
    before = story.market.total()
    assert finish(client, minting(story, client), *endorsers).code_name == "ENDORSEMENT_POLICY_FAILURE"
    assert story.market.total() == before


@pytest.mark.parametrize("other", [PLATFORM, TRADER])
def test_supervisor_and_any_other_are_enough(story: Story, client: GatewayClient, other: str) -> None:
    assert finish(client, minting(story, client), SUPERVISOR, other).valid


@pytest.mark.parametrize("shift_s", [-TIME_WINDOW_S - 1, TIME_WINDOW_S + 1, -86_400, 86_400])
def test_time_outside_the_window_is_not_endorsed(story: Story, client: GatewayClient, shift_s: int) -> None:
    with pytest.raises(EndorseError, match="incorrect timestamp"):
        client.endorse_proposal(minting(story, client, at_ms=now_ms() + shift_s * 1000))


def test_time_within_the_window_is_endorsed(story: Story, client: GatewayClient) -> None:
    client.endorse_proposal(minting(story, client, at_ms=now_ms() - (TIME_WINDOW_S - 2) * 1000))


def test_same_transaction_again_is_a_duplicate(story: Story, client: GatewayClient) -> None:
    endorsed = client.endorse_proposal(minting(story, client))
    before = story.market.total()
    for _ in range(2):
        client.submit(endorsed.tx_id, endorsed.envelope)
    assert client.commit_status(endorsed.tx_id).valid
    # Whatever comes after the copies tells that these have been judged.
    assert finish(client, minting(story, client)).valid
    assert story.market.total() == before + 10


def under_endorsed(endorsed: Endorsed, proposal: Proposal, client: GatewayClient) -> bytes:
    """The client's own transaction with one endorsement left."""
    transaction = EndorsedTransaction.parse(Envelope.parse(endorsed.envelope))
    payload = assemble(proposal, transaction.response.serialized, transaction.endorsements[:1])
    return sign_payload(client.identity, payload).serialized


def claimed(endorsed: Endorsed, other: GatewayClient) -> bytes:
    """The same contents, signed by somebody else, in a transaction of his that says it has this id."""
    proposal = other.prepare("market.show")
    channel = common_pb2.ChannelHeader.FromString(proposal.header.channel_header)
    channel.tx_id = endorsed.tx_id
    header = Header.of(channel.SerializeToString(), proposal.header.signature_header)
    return sign_payload(other.identity, build_payload(header, Envelope.parse(endorsed.envelope).data)).serialized


def codes_of(client: GatewayClient, tx_id: str) -> list[str]:
    """Return the verdicts on all envelopes with that id, in the block of the first."""
    number = client.commit_status(tx_id).block_number
    (block,) = client.blocks(number, stop=number)
    return [one.code_name for one in block.transactions if one.tx_id == tx_id]


def test_damaged_copies_do_no_harm_in_the_block_of_the_good_one(
    network: FabricNetwork, story: Story, client: GatewayClient
) -> None:
    """What the embedded peer has to do as well; that the first verdict is the one told is Fabric's own way."""
    proposal = minting(story, client)
    endorsed = client.endorse_proposal(proposal, endorsing_organisations=[SUPERVISOR, PLATFORM])
    before = story.market.total()
    trader = network.client(TRADER)
    trader.submit(endorsed.tx_id, claimed(endorsed, trader))
    client.submit(endorsed.tx_id, under_endorsed(endorsed, proposal, client))
    client.submit(endorsed.tx_id, endorsed.envelope)
    assert client.commit_status(endorsed.tx_id).code_name == "BAD_PROPOSAL_TXID"
    assert codes_of(client, endorsed.tx_id) == ["BAD_PROPOSAL_TXID", "ENDORSEMENT_POLICY_FAILURE", "VALID"]
    assert story.market.total() == before + 5


@pytest.mark.parametrize("by_another", [True, False])
def test_id_in_an_earlier_block_is_used_up_whoever_claimed_it(
    network: FabricNetwork, story: Story, client: GatewayClient, by_another: bool
) -> None:
    proposal = minting(story, client)
    endorsed = client.endorse_proposal(proposal, endorsing_organisations=[SUPERVISOR, PLATFORM])
    before = story.market.total()
    trader = network.client(TRADER)
    copy = claimed(endorsed, trader) if by_another else under_endorsed(endorsed, proposal, client)
    trader.submit(endorsed.tx_id, copy)
    first = client.commit_status(endorsed.tx_id)
    assert first.code_name == ("BAD_PROPOSAL_TXID" if by_another else "ENDORSEMENT_POLICY_FAILURE")
    client.submit(endorsed.tx_id, endorsed.envelope)
    # Whatever comes after it tells that it has been judged.
    assert finish(client, minting(story, client)).valid
    assert client.commit_status(endorsed.tx_id) == first
    assert story.market.total() == before + 5


def test_blocks_beyond_the_next_are_not_waited_for(client: GatewayClient) -> None:
    beyond = client.newest_block().number + 1000
    with pytest.raises(DeliverError, match="NOT_FOUND"):
        next(client.blocks(beyond, timeout=10))


def test_nobody_who_is_no_member_reads_the_private_collection(network: FabricNetwork, story: Story) -> None:
    """Not even where the platform's contracts would show it: the peer knows who asks."""
    key = state.opening(story.listing)
    clients = {msp_id: network.client(msp_id) for msp_id in NAMES}
    with network.replaced_chaincode(PLATFORM, Path(dishonest_chaincode.__file__)):
        shown = patiently(lambda: clients[SUPERVISOR].evaluate("peek", [key], target_organisations=[PLATFORM]))
        assert canonical.loads(shown)["items"] == 1
        with pytest.raises(EvaluateError, match="does not have read access permission on privatedata"):
            clients[TRADER].evaluate("peek", [key], target_organisations=[PLATFORM])


def test_peer_of_an_organisation_that_is_no_member_has_no_private_data(network: FabricNetwork, story: Story) -> None:
    key = state.opening(story.listing)
    clients = {msp_id: network.client(msp_id) for msp_id in NAMES}
    with network.replaced_chaincode(TRADER, Path(dishonest_chaincode.__file__)):
        for client in (clients[TRADER], clients[SUPERVISOR]):
            with pytest.raises(EvaluateError):
                client.evaluate("peek", [key], target_organisations=[TRADER])
