"""One organisation runs contracts that pay itself: on native Fabric no function that makes coins falls for it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from countermark.network.client import Endorsed, EndorseError, GatewayClient
from countermark.protocol import canonical
from tests.support import dishonest_chaincode
from tests.support.dishonest_chaincode import THIEF
from tests.support.fabric.backend import Native, NativeMarkets
from tests.support.fabric.topology import NAMES
from tests.support.market import BOND, PLATFORM, PRICE, SUPERVISOR, TRADER, Actor, Market, actor

pytestmark = pytest.mark.fabric

MANAGEMENT = 90
MONEY = {
    *("coin.mint", "coin.transfer", "coin.redeem", "coin.enforce", "listing.charge", "account.recover"),
    *("trade.pay", "trade.charge", "trade.cancel", "trade.confirm", "trade.accept", "trade.enforce"),
}
"""Functions that make coins; `coin.burn` only ends one."""


@dataclass(frozen=True)
class Call:
    """A call that would succeed now, and the organisations whose clients may make it."""

    function: str
    args: tuple[str, ...]
    by: tuple[str, ...] = tuple(NAMES)


class Prepared:
    """A market in which every function of `MONEY` has something to do."""

    def __init__(self, backend: Native) -> None:
        self.market = Market(backend, fees={"management": str(MANAGEMENT), "transaction_bps": 250, "arbiter": "400"})
        self.backend = backend
        self._listings = 0
        self.calls = {call.function: call for call in (*self._due(), *self._acts())}

    def call(self, function: str, client: GatewayClient, *endorsers: str) -> Endorsed:
        call = self.calls[function]
        proposal = client.prepare(call.function, call.args, now_ms=self.backend.now_ms)
        return self.backend.endorse(client, proposal, endorsers)

    def _due(self) -> list[Call]:
        """What anybody may end once its time has come."""
        market = self.market
        unpaid = market.bring_to("PAID", self._listed())
        params = {"issuer": PLATFORM, "amount": "10"}
        redemption = market.ask(market.buyer, "coin.redeem", params, market.fund(market.buyer, 10))["id"]
        saver = actor("saver")
        market.open_account(saver, recovery=market.stranger.address)
        coins = market.fund(saver, 10)
        market.ask(market.stranger, "account.recover", {"account": saver.address})
        market.expire()
        return [
            Call("trade.enforce", (unpaid,)),
            Call("coin.enforce", (redemption,)),
            self._intent(market.stranger, "account.recover", {"account": saver.address}, coins),
        ]

    def _acts(self) -> list[Call]:
        market = self.market
        ten = {"amount": "10"}
        pending = market.list_data(data=b"pending")["id"]
        deposit = {"to": market.buyer.address, "reference": "deposit", **ten}
        price = market.pay_params(self._listed())
        return [
            self._intent(market.issuer, "coin.mint", deposit, by=(PLATFORM,)),
            self._intent(market.buyer, "coin.transfer", {"to": market.seller.address, **ten}, self._fund(10)),
            self._intent(market.buyer, "coin.redeem", {"issuer": PLATFORM, **ten}, self._fund(10)),
            self._intent(
                market.seller,
                "listing.charge",
                {"listing": pending, "amount": str(MANAGEMENT)},
                market.fund(market.seller, MANAGEMENT),
            ),
            self._intent(market.buyer, "trade.pay", price, self._fund(PRICE + BOND)),
            self._of_trade("trade.charge", "PAID"),
            self._of_trade("trade.cancel", "FUNDED"),
            self._of_trade("trade.confirm", "SENT"),
            self._of_trade("trade.accept", "MISMATCHED"),
        ]

    def _of_trade(self, function: str, state: str) -> Call:
        market = self.market
        trade_id = market.bring_to(state, self._listed())
        params = {"trade": trade_id, **market._usual(function, trade_id)}
        fee = int(params.get("fee", 0)) + int(params.get("bond", 0))
        return self._intent(market._actor(function, trade_id), function, params, market.fund(market.seller, fee))

    def _intent(
        self,
        who: Actor,
        function: str,
        params: dict[str, object],
        attached: dict[str, list[str]] | None = None,
        by: tuple[str, ...] = tuple(NAMES),
    ) -> Call:
        coins = {name: ids for name, ids in (attached or {}).items() if ids}
        return Call(function, (self.market.sign(who, function, params), canonical.dumps(coins).decode()), by)

    def _fund(self, amount: int) -> dict[str, list[str]]:
        return self.market.fund(self.market.buyer, amount)

    def _listed(self) -> str:
        """Return a new contract for sale, its management fee paid."""
        market = self.market
        self._listings += 1
        address: str = market.list_data(data=f"photo {self._listings}".encode())["id"]
        fee = {"listing": address, "amount": str(MANAGEMENT)}
        market.ask(market.seller, "listing.charge", fee, market.fund(market.seller, MANAGEMENT))
        return address


@pytest.fixture(scope="module")
def prepared(native_markets: NativeMarkets) -> Prepared:
    return Prepared(native_markets.fresh())


@pytest.mark.parametrize("liar", NAMES)
def test_lying_organisation_finds_no_valid_endorsement(
    native_markets: NativeMarkets, prepared: Prepared, liar: str
) -> None:
    clients = {msp_id: prepared.backend.clients[msp_id, "client"] for msp_id in NAMES}
    coins = prepared.market.records("coin/")
    with native_markets.network.replaced_chaincode(liar, Path(dishonest_chaincode.__file__)):
        for function, call in prepared.calls.items():
            for msp_id in call.by:
                # A gateway asks its own organisation and the supervisor. Whom the supervisor's asks is left to it.
                if liar in (SUPERVISOR, msp_id):
                    with pytest.raises(EndorseError, match="ProposalResponsePayloads do not match"):
                        prepared.call(function, clients[msp_id])
                elif msp_id != SUPERVISOR:
                    assert THIEF.encode() not in prepared.call(function, clients[msp_id]).envelope, function
            client = clients[call.by[0]]
            lie = prepared.call(function, client, liar)
            assert THIEF.encode() in lie.envelope, f"{function} was to be lied about"
            assert prepared.backend.finish(client, lie).code_name == "ENDORSEMENT_POLICY_FAILURE", function
    assert prepared.market.records("coin/") == coins
    # With honest contracts again, each call is as good as before.
    for function, call in prepared.calls.items():
        honest = prepared.call(function, clients[call.by[0]])
        assert THIEF.encode() not in honest.envelope, function


def test_every_function_that_makes_coins_is_lied_about(prepared: Prepared) -> None:
    assert set(prepared.calls) == MONEY


def test_what_it_cannot_do_alone_it_cannot_do_with_another_that_is_not_the_supervisor(
    native_markets: NativeMarkets, prepared: Prepared
) -> None:
    """Platform and trader lie in the same way; the supervisor is not asked."""
    network = native_markets.network
    client = prepared.backend.clients[TRADER, "client"]
    script = Path(dishonest_chaincode.__file__)
    with network.replaced_chaincode(PLATFORM, script), network.replaced_chaincode(TRADER, script):
        lie = prepared.call("coin.transfer", client, PLATFORM, TRADER)
        assert THIEF.encode() in lie.envelope
        assert prepared.backend.finish(client, lie).code_name == "ENDORSEMENT_POLICY_FAILURE"
