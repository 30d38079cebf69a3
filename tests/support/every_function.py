"""A market on any ledger in which every function that writes has something to do, all at the same time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from countermark.protocol import canonical, merkle
from countermark.protocol.encoding import as_digest, digest
from tests.support.backends import Backend, Committed
from tests.support.market import (
    BOND,
    EPOCH_S,
    PLATFORM,
    PRICE,
    SUPERVISOR,
    TRADER,
    Actor,
    Market,
    actor,
    anything,
    offer,
    opening,
    tree,
)

ANYONE: Final = (PLATFORM, SUPERVISOR, TRADER)
MANAGEMENT: Final = 90
"""Minor units."""

TRADE_STATES: Final = {
    "trade.charge": "PAID",
    "trade.cancel": "FUNDED",
    "trade.send": "FUNDED",
    "trade.relay": "UPLOADED",
    "trade.ack": "SENT",
    "trade.check": "RECEIVED",
    "trade.confirm": "MATCHED",
    "trade.accept": "MISMATCHED",
    "trade.dispute": "MISMATCHED",
    "trade.open": "DISPUTED",
    "trade.remedy": "EVIDENCED",
    "trade.decide": "EVIDENCED",
}
"""The state in which each act finds its trade here."""


@dataclass(frozen=True)
class Call:
    """A call that would succeed now; `by` are the organisations whose clients may make it.

    Asked for by an intent of `who` over `params`, or, where there is nobody, open with `args`.
    """

    function: str
    who: Actor | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    attached: Mapping[str, Any] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    transient: Mapping[str, bytes] | None = None
    by: tuple[str, ...] = ANYONE

    def arguments(self, market: Market, **changes: Any) -> tuple[str, ...]:
        """Return what to call it with: of an intent, a fresh one, with `changes` to how it is signed."""
        if self.who is None:
            return self.args
        token = market.sign(self.who, self.function, self.params, **changes)
        return token, canonical.dumps(dict(self.attached)).decode()


class EveryFunction:
    """The market and its calls, by function; the last two change what all others read."""

    def __init__(self, backend: Backend) -> None:
        fees = {"management": str(MANAGEMENT), "transaction_bps": 250, "arbiter": "400"}
        self.backend = backend
        self.market = Market(backend, fees=fees)
        self._listings = 0
        self._begin_what_falls_due()
        self.market.expire()
        calls = (*self._acts(), *self._trade_acts(), *self._due())
        self.calls: dict[str, Call] = {call.function: call for call in calls}
        self.intents = {call.function: call.who for call in calls if call.who is not None}
        """Who asks for each function that is called by intent."""

    def submit(self, function: str, *, msp: str | None = None, arguments: tuple[str, ...] | None = None) -> Committed:
        """Make one of the calls, by a client of `msp`, else of an organisation that may; asked for anew, or again."""
        call = self.calls[function]
        arguments = call.arguments(self.market) if arguments is None else arguments
        return self.backend.submit(msp or call.by[-1], function, *arguments, transient=call.transient)

    def everything(self) -> dict[str, Any]:
        """Return what the ledger holds but for its clock."""
        nouns = (
            "account",
            "board",
            "claim",
            "coin",
            "deposit",
            "exact",
            "intent",
            "listing",
            "market",
            "redemption",
            "spent",
        )
        return {noun: self.market.records(f"{noun}/") for noun in (*nouns, "trade")}

    def hold(self, function: str, *, msp: str | None = None, arguments: tuple[str, ...] | None = None) -> object:
        """Have one of the calls endorsed, and keep the envelope back."""
        call = self.calls[function]
        arguments = call.arguments(self.market) if arguments is None else arguments
        return self.backend.hold(msp or call.by[-1], function, *arguments, transient=call.transient)

    def tick(self) -> None:
        """Let an epoch pass, and say so."""
        self.backend.wait(EPOCH_S)
        self.backend.submit(TRADER, "clock.tick")

    def _begin_what_falls_due(self) -> None:
        market = self.market
        self._unpaid = market.bring_to("PAID", self._listed())
        self._pending = self._registered()
        locked = market.ask(market.buyer, "coin.redeem", self._redemption(), market.fund(market.buyer, 10))
        self._locked = locked["id"]
        self._saver = self._account("saver", recovery=market.stranger.address)
        self._savings = market.fund(self._saver, 10)
        market.ask(market.stranger, "account.recover", {"account": self._saver.address})
        self._unanswered = market.claim(self._listed())
        self._approved = self._proposed("700")
        market.ask(market.supervisor, "market.approve", {"version": 2, "digest": self._approved})

    def _due(self) -> Sequence[Call]:
        """What anybody may end now that its time has come."""
        recovered = Call("account.recover", self.market.stranger, {"account": self._saver.address}, self._savings)
        return (
            Call("trade.enforce", args=(self._unpaid,)),
            Call("listing.enforce", args=(self._pending,)),
            Call("coin.enforce", args=(self._locked,)),
            Call("claim.enforce", args=(self._unanswered,)),
            recovered,
            Call("market.enforce", args=("2", self._approved)),
            Call("clock.tick"),
        )

    def _acts(self) -> Sequence[Call]:
        market = self.market
        ten, board = {"amount": "10"}, {"size": 1, "root": as_digest(merkle.root(tree(1))), "proof": []}
        locked = market.ask(market.buyer, "coin.redeem", self._redemption(), market.fund(market.buyer, 10))["id"]
        deposit = {"to": market.buyer.address, "reference": "deposit", **ten}
        config = {**market.config, "version": 2, "bond": "900"}
        vote = {"version": 2, "digest": self._proposed("800")}
        return (
            Call("intent.cancel", market.seller, {"nonce": "A" * 22}),
            Call("market.propose", market.platform, {"config": config}, by=(PLATFORM,)),
            Call("market.approve", market.supervisor, vote, by=(SUPERVISOR,)),
            *self._account_acts(),
            Call("coin.mint", market.issuer, deposit, by=(PLATFORM,)),
            Call("coin.transfer", market.buyer, {"to": market.seller.address, **ten}, market.fund(market.buyer, 10)),
            Call("coin.redeem", market.buyer, self._redemption(), market.fund(market.buyer, 10)),
            Call("coin.burn", market.issuer, {"redemption": locked}, by=(PLATFORM,)),
            *self._listing_acts(),
            *self._claim_acts(),
            Call("board.anchor", market.platform, board, by=(PLATFORM,)),
        )

    def _account_acts(self) -> Sequence[Call]:
        market = self.market
        turning, watched, frozen = (self._account(name) for name in ("turning", "watched", "frozen"))
        vetoing = self._account("vetoing", recovery=market.stranger.address)
        market.ask(market.stranger, "account.recover", {"account": vetoing.address})
        market.ask(market.supervisor, "account.freeze", {"account": frozen.address})
        newcomer, key = actor("newcomer"), turning.encryption.public
        return (
            Call("account.open", newcomer, {"encryption_key": {"key": newcomer.encryption.public, "version": 1}}),
            Call("account.rotate_encryption_key", turning, {"encryption_key": {"key": key, "version": 2}}),
            Call("account.freeze", market.supervisor, {"account": watched.address}, by=(SUPERVISOR,)),
            Call("account.release", market.supervisor, {"account": frozen.address}, by=(SUPERVISOR,)),
            Call("account.veto", vetoing, {"account": vetoing.address}),
        )

    def _listing_acts(self) -> Sequence[Call]:
        market, seller = self.market, self.market.seller
        withdrawn, unwanted, held = self._listed(), self._listed(), self._listed()
        for address in (withdrawn, unwanted):
            market.ask(seller, "listing.withdraw", {"listing": address})
        market.ask(market.supervisor, "listing.hold", {"listing": held})
        opened = opening(b"to be registered")
        committed = opened.commitments()
        registration = {
            **{name: getattr(committed, name) for name in ("c_f", "c_d", "c_exact")},
            "items": 1,
            "generator": "image/v1",
            "offer": offer(),
        }
        unpaid = {"listing": self._registered(), "amount": str(MANAGEMENT)}
        return (
            Call("listing.create", seller, registration, transient={"opening": opened.to_json()}, by=(PLATFORM,)),
            Call("listing.charge", seller, unpaid, market.fund(seller, MANAGEMENT)),
            Call("listing.offer", seller, {"listing": self._listed(), "offer": offer(PRICE + 1)}),
            Call("listing.withdraw", seller, {"listing": self._listed()}),
            Call("listing.relist", seller, {"listing": withdrawn, "offer": offer()}),
            Call("listing.hold", market.supervisor, {"listing": self._listed()}, by=(SUPERVISOR,)),
            Call("listing.release", market.supervisor, {"listing": held}, by=(SUPERVISOR,)),
            Call("listing.erase", seller, {"listing": unwanted}, by=(SUPERVISOR, PLATFORM)),
        )

    def _claim_acts(self) -> Sequence[Call]:
        market = self.market
        deposit, evidence = market.config["claims"]["deposit"], anything("evidence")
        opened, answered = market.claim(self._listed()), market.claim(self._listed())
        market.answer(answered)
        paid = {"deposit": deposit, "evidence": evidence}
        decision = {"claim": answered, "decision": "claimant", "reasons": anything("reasons")}
        return (
            Call(
                "claim.open",
                market.stranger,
                {"listing": self._listed(), **paid},
                market.fund(market.stranger, int(deposit)),
            ),
            Call("claim.answer", market.seller, {"claim": opened, **paid}, market.fund(market.seller, int(deposit))),
            Call("claim.decide", market.supervisor, decision, by=(SUPERVISOR,)),
        )

    def _trade_acts(self) -> Sequence[Call]:
        market = self.market
        coins = market.fund(market.buyer, PRICE + BOND)
        paying = Call("trade.pay", market.buyer, market.pay_params(self._listed()), coins)
        return (paying, *(self._of_trade(function, state) for function, state in TRADE_STATES.items()))

    def _of_trade(self, function: str, state: str) -> Call:
        market = self.market
        trade_id = market.bring_to(state, self._listed())
        params = {"trade": trade_id, **market._usual(function, trade_id)}
        fee = int(params.get("fee", 0)) + int(params.get("bond", 0))
        who = market._actor(function, trade_id)
        coins = market.fund(market.seller, fee) if fee else {}
        return Call(function, who, params, coins, by=ANYONE if who.msp == TRADER else (who.msp,))

    def _proposed(self, bond: str) -> str:
        """Return the digest of a change of the market that the platform has proposed."""
        config = {**self.market.config, "version": 2, "bond": bond}
        self.market.ask(self.market.platform, "market.propose", {"config": config})
        return digest(canonical.dumps(config))

    def _redemption(self) -> dict[str, Any]:
        return {"issuer": PLATFORM, "amount": "10"}

    def _account(self, name: str, **params: Any) -> Actor:
        who = actor(name)
        self.market.open_account(who, **params)
        return who

    def _registered(self) -> str:
        """Return a new contract whose management fee has not been paid."""
        self._listings += 1
        address: str = self.market.list_data(data=b"thing %d" % self._listings)["id"]
        return address

    def _listed(self) -> str:
        """Return a new contract for sale."""
        market, address = self.market, self._registered()
        fee = {"listing": address, "amount": str(MANAGEMENT)}
        market.ask(market.seller, "listing.charge", fee, market.fund(market.seller, MANAGEMENT))
        return address
