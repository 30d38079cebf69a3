"""An update on its way through orderers that refuse, are away, answer nothing, or have ordered another first."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from fabric_protos.common import common_pb2

from countermark.network.blocks import Block, ChannelConfig, build_block, parse_block, verify_config
from countermark.network.blocks.configs import last_update
from countermark.network.client import DeliverError, GatewayClient, LedgerError, OrdererClient, SubmitError
from countermark.network.configuration import (
    ConfigUpdate,
    SignedUpdate,
    compute_update,
    merge_signatures,
    sign_update,
    with_batch,
    with_organisation,
)
from countermark.network.configuration.fetching import PeerBlocks, fetch_config, fetch_config_block
from countermark.network.configuration.submission import submit_update
from countermark.network.errors import ConfigurationError
from countermark.network.genesis import Batch, PeerOrganisation
from countermark.protocol.errors import ErrorCode
from countermark.protocol.retries import Retry
from tests.support.reconfiguration import config_block, config_transaction
from tests.unit.network.consortium import CHANNEL, Network, now_ms
from tests.unit.network.gateway_on_loopback import LoopbackPeer
from tests.unit.network.orderer_on_loopback import LoopbackOrderer, Script, answering, silent, silent_but_ordered

MANY = 1_000
SOON_S = 0.5
"""Seconds to wait for what does not come."""


@pytest.fixture
def orderer(network: Network) -> Iterator[LoopbackOrderer]:
    orderer = LoopbackOrderer(network)
    yield orderer
    orderer.stop()


@pytest.fixture
def second(orderer: LoopbackOrderer) -> Iterator[LoopbackOrderer]:
    """Another orderer of the same cluster."""
    second = LoopbackOrderer(orderer.network, orderer.blocks)
    yield second
    second.stop()


Prepare = Callable[[LoopbackOrderer], tuple[ConfigUpdate, SignedUpdate]]


@pytest.fixture
def prepare(joining: PeerOrganisation) -> Prepare:
    """Makes the join of a fourth organisation, signed by two."""

    def make(orderer: LoopbackOrderer) -> tuple[ConfigUpdate, SignedUpdate]:
        with closing(orderer.client()) as client:
            before = fetch_config(client)
        update = compute_update(before, with_organisation(before, joining))
        signatures = [sign_update(update, orderer.network.admin(name)) for name in ("platform", "trader")]
        return update, merge_signatures(before, update, signatures, at_ms=now_ms())[0]

    return make


def submitted(
    prepared: tuple[ConfigUpdate, SignedUpdate], *orderers: LoopbackOrderer, timeout: float = 10.0
) -> Block:
    """What comes of handing the update to `orderers`."""
    clients = [orderer.client() for orderer in orderers]
    try:
        return submit_update(clients, *prepared, orderers[0].network.admin("platform"), timeout=timeout)
    finally:
        for client in clients:
            client.close()


def test_an_update_comes_back_in_a_block(orderer: LoopbackOrderer, prepare: Prepare) -> None:
    before = read(orderer)
    prepared = prepare(orderer)
    block = submitted(prepared, orderer)
    assert (block.number, block.last_config) == (1, 1)
    assert last_update(block) == prepared[0].serialized
    assert "NewcomerMSP" in verify_config(block, before).organisations.msp_ids
    assert read(orderer).sequence == 1


def read(orderer: LoopbackOrderer) -> ChannelConfig:
    with closing(orderer.client()) as client:
        return fetch_config(client)


def test_the_latest_configuration_is_found_by_the_index_in_the_newest_block(
    orderer: LoopbackOrderer, network: Network, prepare: Prepare
) -> None:
    block = submitted(prepare(orderer), orderer)
    raw = network.transaction(network.propose())
    orderer.append(parse_block(build_block(2, block.header_hash, [raw], last_config=1, orderer=network.orderer)))
    with closing(orderer.client()) as client:
        assert client.newest_block().number == 2
        assert fetch_config_block(client).header_hash == block.header_hash


def test_a_peer_is_asked_as_well_as_an_orderer(peer: LoopbackPeer, client: GatewayClient) -> None:
    endorsed = client.endorse("coin.mint", [b"1"])
    client.submit(endorsed.tx_id, endorsed.envelope)
    blocks = PeerBlocks(client)
    assert blocks.newest_block().number == 1
    assert fetch_config_block(blocks).number == 0
    assert fetch_config(blocks).channel == CHANNEL


def test_an_orderers_refusal_is_told_with_its_reason(
    orderer: LoopbackOrderer, second: LoopbackOrderer, prepare: Prepare
) -> None:
    update, signed = prepare(orderer)
    alone = SignedUpdate(signed.update, signed.signatures[:1])
    with pytest.raises(ConfigurationError, match=r"update_refused.*BAD_REQUEST.*update_not_signed"):
        submitted((update, alone), orderer, second)
    assert second.asked == [], "what one refuses, no other is asked"
    assert len(orderer.blocks) == 1


@pytest.mark.parametrize("status", [common_pb2.FORBIDDEN, common_pb2.NOT_FOUND, common_pb2.BAD_REQUEST])
def test_every_refusal_is_final(orderer: LoopbackOrderer, prepare: Prepare, status: int) -> None:
    orderer.scripts.append(answering(status))
    with pytest.raises(ConfigurationError, match=f"update_refused.*{common_pb2.Status.Name(status)}"):
        submitted(prepare(orderer), orderer)


def test_the_next_orderer_takes_it_when_one_has_no_leader(
    orderer: LoopbackOrderer, second: LoopbackOrderer, prepare: Prepare
) -> None:
    orderer.scripts.append(answering(common_pb2.SERVICE_UNAVAILABLE))
    assert submitted(prepare(orderer), orderer, second).number == 1


def test_the_next_orderer_takes_it_when_one_is_gone(
    orderer: LoopbackOrderer, second: LoopbackOrderer, prepare: Prepare
) -> None:
    prepared = prepare(orderer)
    orderer.stop()
    assert submitted(prepared, orderer, second).number == 1


@pytest.mark.parametrize("script", [answering(common_pb2.SERVICE_UNAVAILABLE), silent], ids=["no leader", "silent"])
def test_it_is_handed_over_again_until_it_is_taken(
    orderer: LoopbackOrderer, prepare: Prepare, script: Script
) -> None:
    orderer.scripts += [script] * 3
    assert submitted(prepare(orderer), orderer).number == 1
    assert not orderer.scripts


def test_without_a_leader_in_time_nothing_has_happened(orderer: LoopbackOrderer, prepare: Prepare) -> None:
    prepared = prepare(orderer)
    orderer.scripts += [answering(common_pb2.SERVICE_UNAVAILABLE)] * MANY
    with pytest.raises(SubmitError) as caught:
        submitted(prepared, orderer, timeout=SOON_S)
    assert (caught.value.code, caught.value.retry) == (ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER)
    assert len(orderer.blocks) == 1


def test_without_any_orderer_there_is_nobody_to_ask(orderer: LoopbackOrderer, prepare: Prepare) -> None:
    with pytest.raises(ConfigurationError, match="no_orderer"):
        submit_update([], *prepare(orderer), orderer.network.admin("platform"))


def test_an_answer_that_is_lost_is_no_refusal(
    orderer: LoopbackOrderer, second: LoopbackOrderer, prepare: Prepare
) -> None:
    """The first has ordered it and said nothing; the second refuses it as stale. It was made all the same."""
    prepared = prepare(orderer)
    orderer.scripts.append(silent_but_ordered)
    assert submitted(prepared, orderer, second).number == 1


def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(orderer: LoopbackOrderer, prepare: Prepare) -> None:
    orderer.scripts += [silent] * MANY
    with pytest.raises(SubmitError) as caught:
        submitted(prepare(orderer), orderer, timeout=SOON_S)
    assert caught.value.code is ErrorCode.OUTCOME_UNKNOWN


def test_an_update_that_came_first_is_told(network: Network, orderer: LoopbackOrderer, prepare: Prepare) -> None:
    def other_first(_orderer: LoopbackOrderer, _envelope: object) -> object:
        before = read(orderer)
        batch = compute_update(before, with_batch(before, Batch(max_messages=9)))
        raw = config_transaction(before, batch, [network.admin("orderer")], orderer=network.orderer)
        previous = orderer.blocks[-1].header_hash
        orderer.append(parse_block(config_block(1, previous, raw, orderer=network.orderer)))
        return answering(common_pb2.SUCCESS)(orderer, _envelope)  # type: ignore[arg-type]  # it is passed on as it came

    orderer.scripts.append(other_first)
    with pytest.raises(ConfigurationError, match=r"overtaken.*block 1"):
        submitted(prepare(orderer), orderer)


def test_a_block_that_does_not_come_is_not_waited_for_for_ever(
    orderer: LoopbackOrderer, network: Network, prepare: Prepare
) -> None:
    prepared = prepare(orderer)
    orderer.scripts.append(answering(common_pb2.SUCCESS))
    with closing(orderer.client()) as client, pytest.raises(LedgerError) as caught:
        submit_update([client], *prepared, network.admin("platform"), timeout=SOON_S)
    assert caught.value.code is ErrorCode.LEDGER_UNAVAILABLE
    assert orderer.waiting.is_set()


def test_a_block_that_is_not_there_is_an_error(orderer: LoopbackOrderer) -> None:
    with closing(orderer.client()) as client, pytest.raises(DeliverError, match="NOT_FOUND"):
        client.block(7)


def test_an_orderer_under_another_authority_is_not_spoken_to(network: Network, orderer: LoopbackOrderer) -> None:
    stranger = OrdererClient(
        orderer.client().address,
        tls_ca=network.organisations["trader"].tls_ca_file.read_bytes(),
        channel="market",
        identity=network.admin("platform"),
    )
    with closing(stranger), pytest.raises(LedgerError):
        stranger.newest_block(timeout=SOON_S)
    assert orderer.asked == []
