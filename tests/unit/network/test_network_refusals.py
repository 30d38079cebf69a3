"""Peers that have fallen behind refuse what the ledger allows; whoever has seen more does not take their word."""

from collections.abc import Iterator

import grpc
import pytest

from countermark.network.client import EndorseError, GatewayClient, LedgerError, Retry, UnavailableError
from countermark.network.envelopes import ErrorDetail, RpcStatus
from countermark.protocol.errors import ErrorCode
from tests.unit.network.consortium import Network
from tests.unit.network.gateway_on_loopback import TIMEOUTS, chaincode_refusal
from tests.unit.network.test_network_failover import AWAY, BOTH, PLATFORM, SUPERVISOR, TRADER, Trio

UNKNOWN = '{"code":"unknown_trade","detail":"there is no such trade"}'


class Seen:
    """How many blocks the client's user has seen."""

    height = 0

    def __call__(self) -> int:
        return self.height


class SeeingTrio(Trio):
    """Three gateways, and a client that believes no peer which knows less than he has `seen`."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.client.close()
        self.seen = Seen()
        profiles = [peer.profile(msp_id=msp_id) for msp_id, peer in self.peers.items()]
        self.client = GatewayClient(*profiles, timeouts=TIMEOUTS, seen=self.seen)

    def refuse(self, *gateways: str, times: int = 1) -> None:
        """Have the own peers of `gateways` refuse."""
        for msp_id in gateways:
            self.fail("Endorse", msp_id, with_=chaincode_refusal(UNKNOWN, msp_id), times=times)

    def commit(self, *gateways: str) -> None:
        """Have the peers of `gateways`, and no others, commit a block that has been seen from then on."""
        envelope = self.client.endorse("f").envelope
        for msp_id in gateways:
            self.peers[msp_id]._commit(envelope)
            self.seen.height = len(self.peers[msp_id]._blocks)
        for peer in self.peers.values():
            peer.calls.clear()


@pytest.fixture
def trio(network: Network) -> Iterator[SeeingTrio]:
    trio = SeeingTrio(network)
    yield trio
    trio.close()


def test_a_peer_that_has_fallen_behind_is_gone_on_from_when_it_refuses(trio: SeeingTrio) -> None:
    """Else the buyer of a trade that was paid is told that there is none."""
    trio.commit(SUPERVISOR)
    trio.refuse(PLATFORM)
    assert trio.client.endorse("f").envelope
    assert trio.asked("Endorse") == [1, 1, 0]


def test_a_peer_that_has_caught_up_meanwhile_is_asked_again(trio: SeeingTrio) -> None:
    trio.commit(PLATFORM)
    trio.refuse(PLATFORM)
    assert trio.client.endorse("f").envelope
    assert trio.asked("Endorse") == [2, 0, 0]


def test_who_knows_as_much_and_says_it_twice_is_believed_and_next_time_at_once(trio: SeeingTrio) -> None:
    trio.commit(PLATFORM)
    trio.refuse(PLATFORM, times=3)
    for asked in (2, 3):
        with pytest.raises(EndorseError) as caught:
            trio.client.endorse("f")
        assert caught.value.code is ErrorCode.UNKNOWN_TRADE
        assert caught.value.market_error is not None
        assert (trio.asked("Endorse"), trio.asked("Deliver")) == ([asked, 0, 0], [1, 0, 0])


def test_a_peer_that_was_away_has_to_show_anew_what_it_knows(trio: SeeingTrio) -> None:
    trio.commit(*BOTH, TRADER)
    trio.refuse(PLATFORM, times=2)
    with pytest.raises(EndorseError):
        trio.client.endorse("f")
    trio.fail("Endorse", PLATFORM, SUPERVISOR, TRADER)
    with pytest.raises(UnavailableError):
        trio.client.endorse("f")
    trio.peers[PLATFORM]._blocks.pop()  # killed before it had written it
    trio.fail("Endorse", SUPERVISOR, TRADER)
    trio.refuse(PLATFORM)
    with pytest.raises(UnavailableError):
        trio.client.endorse("f")


THEIRS = ErrorDetail("peer1:7051", SUPERVISOR, f"chaincode response 500, {UNKNOWN}")
OWN_AWAY = ErrorDetail("peer0:7051", PLATFORM, "could not launch chaincode")


@pytest.mark.parametrize(
    ("details", "retry", "asked"),
    [([THEIRS], Retry.ANEW, [1, 0, 0]), ([THEIRS, OWN_AWAY], Retry.OTHER, [1, 1, 1])],
    ids=["the other organisation alone", "the own one had no chance"],
)
def test_what_one_organisation_refuses_while_the_own_does_not_may_pass_later(
    trio: SeeingTrio, details: list[ErrorDetail], retry: Retry, asked: list[int]
) -> None:
    trio.commit(PLATFORM)
    trio.fail(
        "Endorse", *trio.peers, with_=RpcStatus(grpc.StatusCode.ABORTED.value[0], "see details", tuple(details))
    )
    with pytest.raises(LedgerError) as caught:
        trio.client.endorse("f")
    assert caught.value.market_error is None
    assert caught.value.retry is retry
    assert trio.asked("Endorse") == asked


def test_a_refusal_counts_for_nothing_while_all_are_behind_or_do_not_tell(trio: SeeingTrio) -> None:
    trio.seen.height = 100
    trio.refuse(*trio.peers)
    trio.fail("Deliver", SUPERVISOR, with_=AWAY)
    with pytest.raises(UnavailableError) as caught:
        trio.client.endorse("f")
    assert (caught.value.code, caught.value.retry) == (ErrorCode.LEDGER_UNAVAILABLE, Retry.OTHER)
    assert trio.asked("Endorse") == [1, 1, 1]


def test_a_query_goes_on_to_who_knows_more_too(trio: SeeingTrio) -> None:
    trio.commit(SUPERVISOR)
    trio.fail("Evaluate", PLATFORM, with_=chaincode_refusal(UNKNOWN))
    assert trio.client.evaluate("f")
    assert trio.asked("Evaluate") == [1, 1, 0]
