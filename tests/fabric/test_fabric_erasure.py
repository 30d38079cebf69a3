"""A purge on native Fabric: in the block, in both members' stores, and before an auditor."""

import hashlib

import pytest

from countermark.audit.replay import Replay
from countermark.network.blocks import PrivateWrite
from countermark.network.client import GatewayClient
from countermark.network.lifecycle.patience import patiently
from countermark.protocol.errors import ErrorCode
from tests.support.fabric.network import CHAINCODE, FabricNetwork
from tests.support.fabric.story import Story
from tests.support.market import PLATFORM, SUPERVISOR, opening, refused
from tests.support.private_delivery import delivered_private_data

pytestmark = pytest.mark.fabric


@pytest.fixture
def peers(network: FabricNetwork, story: Story) -> dict[str, GatewayClient]:
    """A client at each peer that keeps the private collection."""
    return {msp_id: network.client(msp_id) for msp_id in (PLATFORM, SUPERVISOR)}


def test_fabric_purges_an_opening_from_both_peers_and_an_auditor_sees_that_it_did(
    network: FabricNetwork, story: Story, peers: dict[str, GatewayClient]
) -> None:
    market, words = story.market, "canary of an opening on Fabric"
    opened = opening(b"to be erased", title=words)
    committed = opened.commitments()
    params = {
        "c_f": committed.c_f,
        "c_d": committed.c_d,
        "c_exact": committed.c_exact,
        "items": 1,
        "generator": "image/v1",
        "offer": market.listing(story.listing)["offer"],
    }
    del params["offer"]["version"]
    seller = market.seller
    made = market.ask(seller, "listing.create", params, msp=PLATFORM, transient={"opening": opened.to_json()})
    address = made["id"]
    market.ask(seller, "listing.withdraw", {"listing": address})

    def has_it(peer: GatewayClient) -> bool:
        return words.encode() in delivered_private_data(peer, peer.newest_block().number)

    assert all(has_it(peer) for peer in peers.values())
    erased = market.ask(seller, "listing.erase", {"listing": address}, msp=PLATFORM)
    assert not any(has_it(peer) for peer in peers.values())
    for msp_id in peers:
        with refused(ErrorCode.UNKNOWN_LISTING):
            market.backend.evaluate(msp_id, "audit.opening", address, market.platform.encryption.public, "1")
    supervisor = peers[SUPERVISOR]
    blocks = list(supervisor.blocks(0, stop=supervisor.newest_block().number))
    (transaction,) = (
        one for block in blocks for one in block.transactions if one.tx_id == erased.tx_id and one.valid
    )
    (hashes,) = (one for one in transaction.private_hashes if one.writes)
    key_hash = hashlib.sha256(f"opening/{address}".encode()).digest()
    assert hashes.collection == "fingerprints"
    assert hashes.writes == (PrivateWrite(key_hash, b"", is_delete=True, is_purge=True),)
    audit = Replay(genesis=network.genesis_hash, chaincode=CHAINCODE, platform=PLATFORM, supervisor=SUPERVISOR)
    audit.apply_all(blocks)
    assert audit.height == len(blocks)


def test_an_erasure_that_the_supervisor_alone_endorses_comes_to_nothing(
    story: Story, peers: dict[str, GatewayClient]
) -> None:
    """The collection has an endorsement policy of its own, by which writes to it are judged, purges among them."""
    market = story.market
    address = market.list_data(data=b"not to be erased by one")["id"]
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    client = peers[SUPERVISOR]
    token = market.sign(market.seller, "listing.erase", {"listing": address})
    endorsed = patiently(
        lambda: client.endorse("listing.erase", [token, "{}"], endorsing_organisations=(SUPERVISOR,))
    )
    client.submit(endorsed.tx_id, endorsed.envelope)
    assert client.commit_status(endorsed.tx_id).code_name == "ENDORSEMENT_POLICY_FAILURE"
    assert market.backend.evaluate(PLATFORM, "audit.opening", address, market.platform.encryption.public, "1")
