"""An auditor and native Fabric judge alike what a member may get into blocks to mislead one of them."""

import secrets

import pytest
from fabric_protos.common import common_pb2

from countermark.audit.replay import Replay
from countermark.network.blocks import Block, ReadWriteSet
from countermark.network.client import GatewayClient
from countermark.network.embedded.rwset_encoding import encode_public
from countermark.network.envelopes import (
    EndorsedTransaction,
    Envelope,
    Outcome,
    Response,
    assemble,
    build_proposal,
    build_response_payload,
    sign_payload,
)
from tests.support.clock import now_ms
from tests.support.fabric.network import CHAINCODE, FabricNetwork
from tests.support.fabric.patience import settled, submit
from tests.support.fabric.story import CHANNEL, Story
from tests.support.market import PLATFORM, SUPERVISOR

pytestmark = pytest.mark.fabric


@pytest.fixture
def client(network: FabricNetwork, story: Story) -> GatewayClient:
    return network.client(PLATFORM)


def good(story: Story, client: GatewayClient) -> tuple[str, bytes]:
    """A transaction that would be valid: its id and its envelope."""
    market = story.market
    deposit = {"to": market.supervisor.address, "amount": "5", "reference": secrets.token_hex(8)}
    endorsed = client.endorse("coin.mint", [market.sign(market.issuer, "coin.mint", deposit), "{}"])
    return endorsed.tx_id, endorsed.envelope


def rubbish(client: GatewayClient, *, tx_id: str = "", at_ms: int | None = None) -> tuple[str, bytes]:
    """A transaction that nobody endorsed, signed by a member; it may claim the id of another."""
    proposal = build_proposal(
        client.identity, CHANNEL, CHAINCODE, [b"market.show"], now_ms=now_ms() if at_ms is None else at_ms
    )
    outcome = Outcome(Response(200), encode_public(CHAINCODE, ReadWriteSet()), CHAINCODE, "1.0")
    payload = common_pb2.Payload.FromString(
        assemble(proposal, build_response_payload(proposal, outcome).serialized, [])
    )
    channel = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    channel.tx_id = tx_id or channel.tx_id
    payload.header.channel_header = channel.SerializeToString()
    return channel.tx_id, sign_payload(client.identity, payload.SerializeToString()).serialized


def unendorsed(client: GatewayClient, envelope: bytes) -> bytes:
    parsed = EndorsedTransaction.parse(Envelope.parse(envelope))
    # Of a proposal, `assemble` needs the header and the public payload, which the transaction has too.
    payload = assemble(parsed, parsed.response.serialized, parsed.endorsements[:1])  # type: ignore[arg-type]
    return sign_payload(client.identity, payload).serialized


def committed(story: Story, client: GatewayClient) -> list[Block]:
    """All blocks, the last of which came after everything that was submitted before."""
    market = story.market
    deposit = {"to": market.supervisor.address, "amount": "1", "reference": secrets.token_hex(8)}
    endorsed = client.endorse("coin.mint", [market.sign(market.issuer, "coin.mint", deposit), "{}"])
    submit(client, endorsed)
    status = settled([client], endorsed.tx_id)
    assert status.valid
    return list(client.blocks(0, stop=client.newest_block().number))


def codes(blocks: list[Block], envelopes: list[bytes]) -> list[tuple[int, str]]:
    """Number of the block and verdict of each of `envelopes`."""
    found = {one.raw: (block.number, one.code_name) for block in blocks for one in block.transactions}
    return [found[envelope] for envelope in envelopes]


def replay(network: FabricNetwork, blocks: list[Block]) -> Replay:
    audit = Replay(genesis=network.genesis_hash, chaincode=CHAINCODE, platform=PLATFORM, supervisor=SUPERVISOR)
    audit.apply_all(blocks)
    return audit


@pytest.mark.parametrize("at_ms", [0, 4_102_444_800_000, 253_402_300_799_000])
def test_rubbish_with_any_time_in_it_stops_neither(
    network: FabricNetwork, story: Story, client: GatewayClient, at_ms: int
) -> None:
    tx_id, envelope = rubbish(client, at_ms=at_ms)
    client.submit(tx_id, envelope)
    blocks = committed(story, client)
    ((_, code),) = codes(blocks, [envelope])
    assert code != "VALID"
    assert replay(network, blocks).height == len(blocks)


def test_an_id_that_another_has_claimed_in_a_block_before_is_used_up(
    network: FabricNetwork, story: Story, client: GatewayClient
) -> None:
    tx_id, envelope = good(story, client)
    _, claim = rubbish(client, tx_id=tx_id)
    client.submit(tx_id, claim)
    committed(story, client)
    client.submit(tx_id, envelope)
    blocks = committed(story, client)
    assert [code for _, code in codes(blocks, [claim, envelope])] == ["BAD_PROPOSAL_TXID", "DUPLICATE_TXID"]
    assert replay(network, blocks).height == len(blocks)


def test_an_id_that_an_invalid_transaction_has_used_in_the_same_block_is_not_used_up(
    network: FabricNetwork, story: Story, client: GatewayClient
) -> None:
    for _ in range(10):
        tx_id, envelope = good(story, client)
        first = unendorsed(client, envelope)
        client.submit(tx_id, first)
        client.submit(tx_id, envelope)
        blocks = committed(story, client)
        (one, code), (other, verdict) = codes(blocks, [first, envelope])
        assert code == "ENDORSEMENT_POLICY_FAILURE"
        assert verdict == ("VALID" if one == other else "DUPLICATE_TXID")
        if one == other:
            break
    else:
        pytest.fail("the orderer put no two of them in one block")
    assert replay(network, blocks).height == len(blocks)
