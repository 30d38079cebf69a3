"""When blocks are cut, what is not taken, and what happens when the ledger cannot go on."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from fabric_protos.common import common_pb2

from countermark.network.embedded.committing import TransactionOutcome
from countermark.network.embedded.errors import ProposalError, StorageError
from countermark.network.embedded.following import Followers
from countermark.network.embedded.ordering import Batching, Orderer
from countermark.network.envelopes import Envelope, HeaderType, build_header, build_payload, sign_payload
from tests.support.embedded_ledger import NOW_MS, SUPERVISOR, TRADER, World, writing

WAIT_S = 10.0


class Blocks:
    """What the orderer has had committed; the first commit waits for `go`."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.begun = threading.Event()
        self.go = threading.Event()
        self.failed = threading.Event()

    def commit(self, envelopes: Sequence[bytes]) -> None:
        self.begun.set()
        assert self.go.wait(WAIT_S)
        self.batches.append(len(envelopes))


def _orderer(
    world: World, commit: Callable[[Sequence[bytes]], None], failed: Callable[[], None], **cut: int
) -> Orderer:
    return Orderer("market", world.membership, commit, failed, batching=Batching(**cut), max_envelope_bytes=100_000)


@pytest.mark.parametrize(
    ("cut", "batches"),
    [
        ({"window_ms": 0, "max_messages": 3}, [1, 3, 3, 1]),
        ({"window_ms": 0, "max_messages": 100}, [1, 7]),
        ({"window_ms": 0, "max_bytes": 1}, [1] * 8),
    ],
)
def test_what_comes_while_a_block_is_committed_goes_into_the_next(
    world: World, cut: dict[str, int], batches: list[int]
) -> None:
    blocks = Blocks()
    orderer = _orderer(world, blocks.commit, blocks.failed.set, **cut)
    orderer.start()
    raw = world.transaction(writing(a="1"))
    orderer.submit(raw, now_ms=NOW_MS)
    assert blocks.begun.wait(WAIT_S)
    for _ in range(7):
        orderer.submit(raw, now_ms=NOW_MS)
    blocks.go.set()
    orderer.stop()
    assert blocks.batches == batches


def _too_large(world: World) -> bytes:
    return world.transaction(writing(a="x" * 100_000))


def _of_another_channel(world: World) -> bytes:
    return world.transaction(writing(a="1"), proposal=world.proposal(channel="other"))


def _configuration(world: World) -> bytes:
    header = build_header(world.client, HeaderType.CONFIG_UPDATE, "market", now_ms=NOW_MS)
    return sign_payload(world.client, build_payload(header, b"")).serialized


def _by_a_peer(world: World) -> bytes:
    peer = world.identity(SUPERVISOR, "peer0")
    return world.transaction(writing(a="1"), proposal=world.proposal(client=peer), client=peer)


def _signed_by_another(world: World) -> bytes:
    envelope = Envelope.parse(world.transaction(writing(a="1")))
    return replace(envelope, signature=world.identity(TRADER, "gateway").sign(envelope.payload)).serialized


def _with_trailing_bytes(world: World) -> bytes:
    return world.transaction(writing(a="1")) + b"\x12\x00"


def _in_another_encoding(world: World) -> bytes:
    """The same message, signature before payload."""
    envelope = Envelope.parse(world.transaction(writing(a="1")))
    signature = common_pb2.Envelope(signature=envelope.signature).SerializeToString()
    return signature + common_pb2.Envelope(payload=envelope.payload).SerializeToString()


def _unsigned(world: World) -> bytes:
    return replace(Envelope.parse(world.transaction(writing(a="1"))), signature=b"").serialized


def _signature_alone(_: World) -> bytes:
    return common_pb2.Envelope(signature=b"x").SerializeToString()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_with_trailing_bytes, "malformed_envelope"),
        (_in_another_encoding, "malformed_envelope"),
        (_unsigned, "malformed_envelope"),
        (_signature_alone, "malformed_envelope"),
        (lambda _: b"", "malformed_envelope"),
        (lambda _: b"\xff\xff", "malformed_envelope"),
        (lambda _: common_pb2.Envelope(payload=b"\xff", signature=b"x").SerializeToString(), "malformed_envelope"),
        (_too_large, "too_large"),
        (_of_another_channel, "no_such_channel"),
        (_configuration, "not_a_transaction"),
        (_by_a_peer, "not_authorised"),
        (_signed_by_another, "not_authorised"),
    ],
)
def test_what_may_not_be_written_is_not_taken(world: World, make: Callable[[World], bytes], code: str) -> None:
    blocks = Blocks()
    orderer = _orderer(world, blocks.commit, blocks.failed.set)
    with pytest.raises(ProposalError) as caught:
        orderer.submit(make(world), now_ms=NOW_MS)
    assert caught.value.code == code


def test_an_expired_certificate_is_not_taken(world: World) -> None:
    orderer = _orderer(world, Blocks().commit, lambda: None)
    with pytest.raises(ProposalError, match="certificate_expired"):
        orderer.submit(world.transaction(writing(a="1")), now_ms=NOW_MS + 10 * 365 * 86_400_000)


@pytest.mark.parametrize("error", [StorageError("block_not_written", "disk full"), RuntimeError("unforeseen")])
def test_a_block_that_cannot_be_committed_ends_the_service(world: World, error: Exception) -> None:
    failed = threading.Event()

    def commit(_envelopes: Sequence[bytes]) -> None:
        raise error

    orderer = _orderer(world, commit, failed.set)
    orderer.start()
    raw = world.transaction(writing(a="1"))
    orderer.submit(raw, now_ms=NOW_MS)
    assert failed.wait(WAIT_S)
    with pytest.raises(ProposalError, match="busy"):
        orderer.submit(raw, now_ms=NOW_MS)
    orderer.stop()


def test_the_service_ends_although_its_thread_has_died_with_the_queue_full(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.network.embedded.ordering._WAITING", 3)
    begun, go = threading.Event(), threading.Event()

    def commit(_envelopes: Sequence[bytes]) -> None:
        begun.set()
        assert go.wait(WAIT_S)
        raise StorageError("block_not_written", "disk full")

    orderer = _orderer(world, commit, lambda: None, window_ms=0, max_messages=1)
    orderer.start()
    raw = world.transaction(writing(a="1"))
    orderer.submit(raw, now_ms=NOW_MS)
    assert begun.wait(WAIT_S)
    for _ in range(3):
        orderer.submit(raw, now_ms=NOW_MS)
    with pytest.raises(ProposalError, match="too many"):
        orderer.submit(raw, now_ms=NOW_MS)
    go.set()
    stopping = threading.Thread(target=orderer.stop, daemon=True)
    stopping.start()
    stopping.join(WAIT_S)
    assert not stopping.is_alive()


def test_a_service_that_was_never_started_ends(world: World) -> None:
    orderer = _orderer(world, Blocks().commit, lambda: None)
    orderer.submit(world.transaction(writing(a="1")), now_ms=NOW_MS)
    orderer.stop()


def test_a_block_waits_for_its_window_and_takes_what_comes_meanwhile(world: World) -> None:
    blocks = Blocks()
    blocks.go.set()
    orderer = _orderer(world, blocks.commit, blocks.failed.set, window_ms=60_000, max_messages=3)
    orderer.start()
    raw = world.transaction(writing(a="1"))
    for _ in range(3):
        orderer.submit(raw, now_ms=NOW_MS)
    assert blocks.begun.wait(WAIT_S)
    orderer.submit(raw, now_ms=NOW_MS)
    orderer.stop()
    assert blocks.batches == [3, 1], "the second is cut short by the stop"


async def _settle() -> None:
    """Let every task of the loop run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_followers_are_told_once_each_and_sent_home_at_the_end(world: World) -> None:
    async def scenario() -> None:
        followers = Followers(world.ledger)
        start = followers.height
        told = [asyncio.create_task(followers.outcome("tx")) for _ in range(2)]
        never = asyncio.create_task(followers.outcome("other"))
        gone = asyncio.create_task(followers.outcome("tx"))
        following = [asyncio.create_task(followers.wait_block(start)) for _ in range(2)]
        far = asyncio.create_task(followers.wait_block(start + 5))
        await _settle()
        gone.cancel()
        following[0].cancel()
        await _settle()
        outcome = TransactionOutcome("tx", start, 0)
        followers.committed(start + 1, [outcome])
        assert await asyncio.gather(*told) == [outcome, outcome]
        assert await following[1] is True
        await _settle()
        assert not far.done()
        followers.close()
        assert await never is None
        assert await far is False
        assert await followers.outcome("later") is None

    asyncio.run(scenario())


def test_an_outcome_that_is_there_is_told_at_once(world: World) -> None:
    raw = world.transaction(writing(a="1"))
    tx_id = Envelope.parse(raw).header.tx_id
    world.commit(raw)
    assert asyncio.run(Followers(world.ledger).outcome(tx_id)) == TransactionOutcome(tx_id, 1, 0)
