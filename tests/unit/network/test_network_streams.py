"""Streams of blocks and events: followed, closed, broken off, and cut short by a peer that lies."""

import itertools
import queue
import threading
from typing import Any

import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import events_pb2

from countermark.network.blocks import Block, verify_link
from countermark.network.client import (
    DeliverError,
    GatewayClient,
    Retry,
)
from tests.unit.network.gateway_on_loopback import LoopbackPeer


def _commit(client: GatewayClient, count: int) -> list[str]:
    ids = []
    for number in range(count):
        endorsed = client.endorse("f", [str(number)])
        client.submit(endorsed.tx_id, endorsed.envelope)
        ids.append(endorsed.tx_id)
    return ids


def test_blocks_come_in_order_and_chain_up(client: GatewayClient) -> None:
    ids = _commit(client, 3)
    blocks = list(client.blocks(0, stop=3))
    previous = b""
    for number, block in enumerate(blocks):
        verify_link(block, number=number, previous_hash=previous)
        previous = block.header_hash
    assert [block.transactions[0].tx_id for block in blocks[1:]] == ids
    assert [block.number for block in client.blocks(2, stop=3)] == [2, 3]


def test_new_blocks_are_followed_until_the_stream_is_closed(peer: LoopbackPeer, client: GatewayClient) -> None:
    stream = client.blocks(1)
    seen: queue.Queue[Block] = queue.Queue()
    reader = threading.Thread(target=lambda: [seen.put(block) for block in stream])
    reader.start()
    assert peer.hanging.wait(20)  # there is no block yet
    _commit(client, 2)
    assert [seen.get(timeout=20).number for _ in range(2)] == [1, 2]
    stream.close()  # while the reader waits for the third
    reader.join(20)
    assert not reader.is_alive()
    assert list(stream) == []


def test_a_stream_that_breaks_off_says_so(peer: LoopbackPeer, client: GatewayClient) -> None:
    stream = client.blocks(0)
    assert next(stream).number == 0
    peer.stop()
    with pytest.raises(DeliverError) as caught:
        next(stream)
    assert caught.value.retry is Retry.OTHER


@pytest.mark.parametrize(
    ("status", "retry"),
    [("FORBIDDEN", Retry.NEVER), ("NOT_FOUND", Retry.NEVER), ("SERVICE_UNAVAILABLE", Retry.OTHER)],
)
def test_the_peers_verdict_on_a_stream_is_an_error(
    peer: LoopbackPeer, client: GatewayClient, status: str, retry: Retry
) -> None:
    peer.twists["Deliver"] = lambda _: events_pb2.DeliverResponse(status=common_pb2.Status.Value(status))
    with pytest.raises(DeliverError, match=status) as caught:
        list(client.blocks(0, stop=0))
    assert caught.value.retry is retry


def _status_success() -> events_pb2.DeliverResponse:
    return events_pb2.DeliverResponse(status=common_pb2.SUCCESS)


def test_a_peer_cannot_hide_the_end_of_the_chain(peer: LoopbackPeer, client: GatewayClient) -> None:
    _commit(client, 2)
    peer.twists["Deliver"] = lambda message: message if message.block.header.number < 2 else _status_success()
    stream = client.blocks(0, stop=2)
    assert [next(stream).number for _ in range(2)] == [0, 1]
    with pytest.raises(DeliverError, match="ended before block 2") as caught:
        next(stream)
    assert caught.value.retry is Retry.OTHER


def test_a_peer_cannot_leave_a_block_out(peer: LoopbackPeer, client: GatewayClient) -> None:
    _commit(client, 2)
    sent = iter([0, 2])

    def skip(message: Any) -> Any:
        message.block.header.number = next(sent)
        return message

    peer.twists["Deliver"] = skip
    with pytest.raises(DeliverError, match="block 2 came where 1 was due"):
        list(client.blocks(0, stop=2))


def test_a_stream_of_events_has_no_end_but_ours(peer: LoopbackPeer, client: GatewayClient) -> None:
    _commit(client, 1)
    stream = client.chaincode_events(start=1)
    assert next(stream).block_number == 1
    peer.stop()
    with pytest.raises(DeliverError):
        next(stream)


def test_what_is_no_block_is_an_error(peer: LoopbackPeer, client: GatewayClient) -> None:
    peer.twists["Deliver"] = lambda _: events_pb2.DeliverResponse(block=common_pb2.Block())
    with pytest.raises(DeliverError, match="no block"):
        list(client.blocks(0, stop=0))


def test_events_of_valid_transactions_come_block_by_block(peer: LoopbackPeer, client: GatewayClient) -> None:
    peer.codes.extend([0, 11, 0])
    ids = _commit(client, 3)
    stream = client.chaincode_events(start=1)
    blocks = list(itertools.islice(stream, 3))
    stream.close()
    assert [[event.tx_id for event in block.events] for block in blocks] == [[ids[0]], [], [ids[2]]]
    assert blocks[0].events[0].name == "f"
    assert [block.block_number for block in blocks] == [1, 2, 3]
