"""A contract is sold on native Fabric, and what its blocks prove afterwards."""

import json

import pytest

from countermark.audit import accounts
from countermark.audit.money import count_money
from countermark.audit.replay import Replay
from countermark.network.client import GatewayClient
from tests.support.fabric.network import CHAINCODE, NAMES, FabricNetwork
from tests.support.fabric.story import Story
from tests.support.market import BOND, FEE, PLATFORM, PRICE, SUPERVISOR, TRADER

pytestmark = pytest.mark.fabric


@pytest.fixture(params=NAMES)
def client(request: pytest.FixtureRequest, network: FabricNetwork) -> GatewayClient:
    return network.client(request.param)


def replayed(network: FabricNetwork, client: GatewayClient) -> Replay:
    replay = Replay(genesis=network.genesis_hash, chaincode=CHAINCODE, platform=PLATFORM, supervisor=SUPERVISOR)
    replay.apply_all(client.blocks(0, stop=client.newest_block().number))
    return replay


def test_ownership_price_fee_and_bonds_have_moved(story: Story) -> None:
    market = story.market
    assert market.trade(story.trade)["outcome"] == "confirmed"
    assert market.listing(story.listing)["owner"] == market.buyer.address
    # The seller brought fee and bond, the buyer price and bond.
    assert market.balance(market.seller) == PRICE - FEE + BOND + FEE
    assert market.balance(market.buyer) == BOND
    assert market.balance(market.platform) == FEE
    assert market.balance(market.stranger) == PRICE + BOND, "who came too late keeps his money"


def test_every_organisations_blocks_replay_to_its_own_world_state(
    network: FabricNetwork, client: GatewayClient, story: Story
) -> None:
    """Links, hashes, signatures, policies, versions: all of the ledger, the lifecycle of the chaincode included."""
    replay = replayed(network, client)
    assert replay.invalid >= 1
    bookmark, state = "", {}
    while True:
        page = json.loads(client.evaluate("audit.page", ["coin/", "1000", bookmark]))
        state |= {item["key"]: item["record"] for item in page["items"]}
        bookmark = page["bookmark"]
        if not bookmark:
            break
    assert state == {key: json.loads(value) for key, value in replay.state.items() if key.startswith("coin/")}


def test_replays_of_all_organisations_are_one(network: FabricNetwork, story: Story) -> None:
    replays = [replayed(network, network.client(msp_id)) for msp_id in NAMES]
    assert len({one.tip for one in replays}) == 1
    assert all(one.state == replays[0].state for one in replays)


def test_audit_tells_who_sold_what_and_that_money_balances(network: FabricNetwork, story: Story) -> None:
    replay = replayed(network, network.client(SUPERVISOR))
    money = count_money(replay)
    assert money.balanced
    assert money.minted == story.market.total()
    coins = [json.loads(value) for key, value in replay.state.items() if key.startswith("coin/")]
    assert f"trade/{story.trade}" not in {coin["owner"] for coin in coins}, "the escrow is paid out"
    told = accounts.trade(replay, story.trade)
    assert [step["function"] for step in told["steps"]] == [
        *("trade.pay", "trade.charge", "trade.send", "trade.relay", "trade.confirm"),
    ]
    assert all(SUPERVISOR in step["endorsed_by"] and len(step["endorsed_by"]) == 2 for step in told["steps"])


def test_late_buyers_transaction_is_on_the_ledger_as_invalid(network: FabricNetwork, story: Story) -> None:
    client = network.client(TRADER)
    status = client.commit_status(story.late)
    (block,) = client.blocks(status.block_number, stop=status.block_number)
    (late,) = [one for one in block.transactions if one.tx_id == story.late]
    assert (late.valid, late.code_name) == (False, "MVCC_READ_CONFLICT")


def test_events_of_valid_transactions_come_block_by_block(
    network: FabricNetwork, client: GatewayClient, story: Story
) -> None:
    stream = client.chaincode_events(start=0, timeout=30)
    functions = []
    for block in stream:
        functions += [event.name for event in block.events]
        if "trade.confirm" in functions:
            break
    stream.close()
    assert functions[0] == "market.init"
    assert functions.count("trade.pay") == 1, "the other payment was invalid"


def test_stream_of_blocks_follows_the_ledger(network: FabricNetwork, client: GatewayClient, story: Story) -> None:
    stream = client.blocks(client.newest_block().number + 1, timeout=30)
    coin = story.market.mint(story.market.supervisor, 1)
    block = next(iter(stream))
    stream.close()
    assert f"coin/{coin}" in {write.key for one in block.transactions for write in one.writes}
