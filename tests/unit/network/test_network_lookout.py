"""A stream of blocks leaves a gateway that hangs, and goes back to a better one when that answers, not before."""

import threading
from collections.abc import Iterator

import grpc
import pytest

from countermark.network.client import DeliverError, GatewayClient, LedgerError, Retry, Timeouts
from countermark.network.client.gateways import FIRST_PAUSE_S
from countermark.network.envelopes import ErrorDetail, RpcStatus
from tests.unit.network.consortium import Network
from tests.unit.network.gateway_on_loopback import TIMEOUTS, LoopbackPeer
from tests.unit.network.test_network_failover import PLATFORM, SUPERVISOR, TRADER, Trio, status

LOOKOUT = "countermark.network.client.lookout"
LONG_S = 3600.0


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that takes seconds takes moments."""
    monkeypatch.setattr("countermark.network.client.gateways.FIRST_PAUSE_S", FIRST_PAUSE_S / 50)
    monkeypatch.setattr(f"{LOOKOUT}.LOOK_S", 0.02)
    monkeypatch.setattr(f"{LOOKOUT}.ANSWER_S", 0.5)


@pytest.fixture
def never_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """That nothing comes is no reason to ask."""
    monkeypatch.setattr(f"{LOOKOUT}.QUIET_S", LONG_S)


@pytest.fixture
def soon_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{LOOKOUT}.QUIET_S", 0.05)


@pytest.fixture
def trio(network: Network) -> Iterator[Trio]:
    trio = Trio(network, Timeouts(evaluate=1.5, endorse=20, submit=20, commit_status=20))
    yield trio
    trio.close()


@pytest.mark.usefixtures("soon_quiet")
def test_a_stream_leaves_a_gateway_that_hangs_and_comes_back_when_it_answers(trio: Trio) -> None:
    """Keepalive takes more than a minute to notice, and would again and again if a pause ran out meanwhile."""
    own, other = trio.peers[PLATFORM], trio.peers[SUPERVISOR]
    stream = trio.client.blocks(0)
    assert next(stream).number == 0
    own.hang()
    with pytest.raises(DeliverError, match="does not answer") as caught:
        next(stream)
    assert caught.value.retry is Retry.OTHER
    stream = trio.client.blocks(0)
    assert next(stream).number == 0
    assert len(other.calls["Deliver"]) == 1
    own.wait_calls("Deliver", len(own.calls["Deliver"]) + 3)  # asked again, and again
    assert stream._call.is_active(), "what flows is not broken off on a suspicion"
    own.wake()
    with pytest.raises(DeliverError, match="is back") as caught:
        next(stream)
    assert caught.value.retry is Retry.SAME
    before = len(other.calls["Deliver"])
    assert next(trio.client.blocks(0)).number == 0
    assert len(other.calls["Deliver"]) == before


@pytest.mark.usefixtures("never_quiet")
def test_a_call_that_finds_a_gateway_hanging_frees_the_stream_too(
    trio: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countermark.network.client.gateways.TRY_S", 0.5)
    stream = trio.client.blocks(0)
    assert next(stream).number == 0
    trio.peers[PLATFORM].hang()
    trio.client.evaluate("f")
    with pytest.raises(DeliverError, match="does not answer"):
        next(stream)


@pytest.mark.usefixtures("never_quiet")
def test_a_peer_whose_chaincode_is_gone_delivers_its_blocks_as_before(trio: Trio) -> None:
    """Other organisations' peers are asked for what the own one cannot do, and for nothing else."""
    own = trio.peers[PLATFORM]
    stream = trio.client.blocks(0)
    assert next(stream).number == 0
    gone = ErrorDetail("peer0:7051", PLATFORM, "failed to execute transaction ab: could not launch chaincode c:1: x")
    trio.fail("Endorse", PLATFORM, with_=status(grpc.StatusCode.ABORTED, "failed to endorse", gone))
    endorsed = trio.client.endorse("f")
    own.wait_calls("Deliver", 2)  # it was asked whether it is there
    own._commit(endorsed.envelope)
    assert next(stream).number == 1
    assert trio.asked("Deliver") == [2, 0, 0]
    stream.close()


@pytest.mark.usefixtures("never_quiet")
def test_blocks_are_taken_from_another_organisation_no_longer_than_the_own_peer_is_away(trio: Trio) -> None:
    """Else a peer that lies could do so for as long as its stream holds."""
    own = trio.peers[PLATFORM]
    away = RpcStatus(grpc.StatusCode.UNAVAILABLE.value[0], "away")
    own.failures["Deliver"].extend([away] * 4)
    with pytest.raises(DeliverError):
        next(trio.client.blocks(0))
    following, whole = trio.client.blocks(0), trio.client.blocks(0, stop=0)
    assert next(following).number == next(whole).number == 0
    with pytest.raises(DeliverError, match="is back"):
        next(following)
    assert not own.failures["Deliver"], "it has been asked until it answered"
    assert list(whole) == [], "what has an end is brought to it"
    assert next(trio.client.blocks(0)).number == 0
    assert trio.asked("Deliver")[1:] == [2, 0]


@pytest.mark.usefixtures("soon_quiet")
def test_when_all_hang_the_stream_comes_from_the_first_that_wakes(trio: Trio) -> None:
    stream = trio.client.chaincode_events(start=0)
    assert next(stream).block_number == 0
    for peer in trio.peers.values():
        peer.hang()
    for _ in trio.peers:
        with pytest.raises(DeliverError, match="does not answer"):
            next(stream)
        stream = trio.client.chaincode_events(start=0)
    trio.peers[TRADER].wake()
    numbers = []
    while not numbers:
        try:
            numbers.append(next(stream).block_number)
        except LedgerError:
            stream = trio.client.chaincode_events(start=0)
    assert numbers == [0]


@pytest.mark.usefixtures("soon_quiet")
def test_a_lookout_ends_with_its_stream_and_with_its_client(trio: Trio) -> None:
    def lookouts() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one.name == "lookout"]

    closed, left = trio.client.blocks(0), trio.client.blocks(0)
    assert (next(closed).number, next(left).number) == (0, 0)
    assert len(lookouts()) == 2
    closed.close()
    trio.client.close()
    for thread in lookouts():
        thread.join(20)
    assert not lookouts()


def test_a_single_gateway_is_waited_for_without_questions(network: Network, peer: LoopbackPeer) -> None:
    client = GatewayClient(peer.profile(), timeouts=TIMEOUTS)
    stream = client.blocks(0)
    assert next(stream).number == 0
    assert not [one for one in threading.enumerate() if one.name == "lookout"]
    client.close()
