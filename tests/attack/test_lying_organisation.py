"""One organisation runs contracts that pay itself: no function that makes coins or names an owner falls for it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from countermark.chaincode import state
from countermark.network.client import Endorsed, EndorseError
from tests.support import dishonest_chaincode
from tests.support.backends import InMemory
from tests.support.dishonest_chaincode import THIEF
from tests.support.embedded_backend import Channels
from tests.support.every_function import ANYONE, EveryFunction
from tests.support.fabric.backend import NativeMarkets
from tests.support.figures import show
from tests.support.gateway_backend import OverGateways
from tests.support.market import PLATFORM, SUPERVISOR, TRADER

DISHONEST = Path(dishonest_chaincode.__file__)
MONEY = {
    *("coin.mint", "coin.transfer", "coin.redeem", "coin.enforce", "listing.charge", "account.recover"),
    *("trade.pay", "trade.charge", "trade.cancel", "trade.confirm", "trade.accept", "trade.decide", "trade.enforce"),
    *("claim.open", "claim.answer", "claim.decide", "claim.enforce"),
}
"""Functions that make coins; `coin.burn` only ends one."""
OWNERSHIP = {
    *("coin.burn", "listing.create", "listing.offer", "listing.withdraw", "listing.relist", "listing.enforce"),
    *("listing.erase", "listing.hold", "listing.release"),
}
"""Other functions that write something with an owner, whom they name anew."""


class Network(Protocol):
    def replaced_chaincode(self, msp_id: str, script: Path) -> AbstractContextManager[None]: ...


class LiedTo:
    """A market in which every function has something to do, on a network whose organisations may begin to lie."""

    def __init__(self, name: str, network: Network, backend: OverGateways) -> None:
        self.name = name
        self.network = network
        self.backend = backend
        self.every = EveryFunction(backend)
        self.clients = {msp_id: backend.clients[msp_id, "client"] for msp_id in ANYONE}

    def endorse(self, function: str, msp_id: str, *endorsers: str) -> Endorsed:
        """Have a call endorsed by `endorsers`, else by whom the gateway asks."""
        call, client = self.every.calls[function], self.clients[msp_id]
        arguments = call.arguments(self.every.market)
        proposal = client.prepare(function, arguments, call.transient, now_ms=self.backend.now_ms)
        both = (PLATFORM, SUPERVISOR) if call.transient else ()
        return self.backend.endorse(client, proposal, endorsers or both)

    def finish(self, msp_id: str, endorsed: Endorsed) -> str:
        return self.backend.finish(self.clients[msp_id], endorsed).code_name


@pytest.fixture(scope="module", params=["embedded", pytest.param("fabric", marks=pytest.mark.fabric)])
def lied_to(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiedTo]:
    if request.param == "fabric":
        markets: NativeMarkets = request.getfixturevalue("native_markets")
        yield LiedTo("fabric", markets.network, markets.fresh())
        return
    channels = Channels(tmp_path_factory.mktemp("embedded"))
    yield LiedTo("embedded", channels.network, channels.fresh())
    channels.close()


@pytest.mark.parametrize("liar", ANYONE)
def test_one_organisations_peer_and_chaincode_altered_to_lie(lied_to: LiedTo, liar: str) -> None:
    before = lied_to.every.everything()
    lies = 0
    with lied_to.network.replaced_chaincode(liar, DISHONEST):
        for function in sorted(MONEY | OWNERSHIP):
            call = lied_to.every.calls[function]
            for msp_id in call.by:
                # A gateway asks its own organisation and the supervisor. Whom the supervisor's asks is left to it.
                if liar in (SUPERVISOR, msp_id):
                    with pytest.raises(EndorseError, match="do not match"):
                        lied_to.endorse(function, msp_id)
                elif msp_id != SUPERVISOR:
                    assert THIEF.encode() not in lied_to.endorse(function, msp_id).envelope, function
            if call.transient and liar != call.by[0]:
                # No client hands transient data to a gateway that is not of who is to see them.
                with pytest.raises(EndorseError, match="to see the transient data"):
                    lied_to.endorse(function, call.by[0], liar)
                continue
            lie = lied_to.endorse(function, call.by[0], liar)
            assert THIEF.encode() in lie.envelope, f"{function} was to be lied about"
            assert lied_to.finish(call.by[0], lie) == "ENDORSEMENT_POLICY_FAILURE", function
            lies += 1
    assert lied_to.every.everything() == before
    # With honest contracts again, each call is as good as before.
    for function in sorted(MONEY | OWNERSHIP):
        honest = lied_to.endorse(function, lied_to.every.calls[function].by[0])
        assert THIEF.encode() not in honest.envelope, function
    show(f"lying organisation ({lied_to.name}, {liar}): {lies} functions lied about, {len(MONEY)} of them of money")


def test_what_it_cannot_do_alone_it_cannot_do_with_another_that_is_not_the_supervisor(lied_to: LiedTo) -> None:
    """Platform and trader lie in the same way; the supervisor is not asked."""
    network = lied_to.network
    with network.replaced_chaincode(PLATFORM, DISHONEST), network.replaced_chaincode(TRADER, DISHONEST):
        lie = lied_to.endorse("coin.transfer", TRADER, PLATFORM, TRADER)
        assert THIEF.encode() in lie.envelope
        assert lied_to.finish(TRADER, lie) == "ENDORSEMENT_POLICY_FAILURE"


def test_every_function_that_makes_coins_or_names_an_owner_is_lied_about() -> None:
    backend = InMemory()
    every = EveryFunction(backend)
    money, owners = set(), set()
    for function in every.calls:
        before = backend.ledger.state
        every.submit(function)
        written = {key: value for key, value in backend.ledger.state.items() if before.get(key) != value}
        money |= {function for key in written if key.startswith("coin/")}
        owners |= {function for value in written.values() if "owner" in state.decode(value)}
    assert money == MONEY
    assert owners == MONEY | OWNERSHIP
