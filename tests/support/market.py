"""A founded market with its parties, and the steps of a trade, on any backend."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from countermark.protocol import canonical, commitments, intents, merkle, times
from countermark.protocol.accounts import AccountKey
from countermark.protocol.commitments import Opening
from countermark.protocol.description import Description
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import EncryptionKey
from countermark.protocol.transitions import TRADE_CLOCKS
from tests.support.backends import Backend, Committed

PLATFORM, SUPERVISOR, TRADER = "PlatformMSP", "SupervisorMSP", "TraderMSP"
PRICE, BOND, FEE, ARBITER_FEE, CLAIM_DEPOSIT = 10_001, 500, 250, 400, 1_000
"""Minor units; the fee is floor(10,001 × 250 / 10,000)."""
DEADLINE_S, GUARD_S, EPOCH_S = 100, 5, 10
DEADLINES = dict.fromkeys(TRADE_CLOCKS, DEADLINE_S)


@dataclass(frozen=True)
class Actor:
    """A party: its account's key and the organisation whose client submits for it."""

    name: str
    msp: str
    key: AccountKey = field(repr=False)
    encryption: EncryptionKey = field(repr=False)

    @property
    def address(self) -> str:
        return self.key.address

    def party(self) -> dict[str, Any]:
        return {
            "account": self.address,
            "encryption_key": {"key": self.encryption.public, "version": 1},
            "msp_id": self.msp,
        }


@cache
def actor(name: str, msp: str = TRADER) -> Actor:
    """The party of that name: the same keys in every test of a run, and in every run."""
    seed = hashlib.sha512(name.encode()).digest()
    scalar = b"\x00" + seed[:31]  # below the order of P-256
    return Actor(name, msp, AccountKey.from_bytes(scalar), EncryptionKey.from_bytes(seed + seed[:32]))


def config_json(**changes: Any) -> dict[str, Any]:
    """A market configuration; `changes` replace members."""
    document: dict[str, Any] = {
        "version": 1,
        "currency": {"code": "EUR", "exponent": 2},
        "organisations": {PLATFORM: "platform", SUPERVISOR: "supervisor", TRADER: "member"},
        "platform": actor("platform", PLATFORM).party(),
        "supervisor": actor("supervisor", SUPERVISOR).party(),
        "arbiters": [
            actor("arbiter", SUPERVISOR).party(),
            actor("substitute", SUPERVISOR).party(),
            actor("third", TRADER).party(),
        ],
        "issuers": {PLATFORM: {"account": actor("issuer", PLATFORM).address, "cap": "100000000"}},
        "fees": {"management": "0", "transaction_bps": 250, "arbiter": str(ARBITER_FEE)},
        "bond": str(BOND),
        "claims": {"deposit": str(CLAIM_DEPOSIT), "answer": DEADLINE_S, "decide": DEADLINE_S},
        "undecided": "refund",
        "deadlines": {
            **{clock: {"default": DEADLINE_S, "minimum": 10} for clock in TRADE_CLOCKS},
            **{clock: {"default": DEADLINE_S} for clock in ("management", "redeem")},
        },
        "guard": GUARD_S,
        "epoch": EPOCH_S,
        "intents": {"longest": 86_400, "longest_money": 600},
        "change_delay": 60,
        "generators": {
            "accepted": ["image/v1", "image/paper-v0", "text/v1", "table/v1", "bytes/v1", "collection/v1"],
            "preferred": "image/v1",
            "required": ["image/v1"],
        },
        "limits": {
            "items": 10,
            "fingerprint_bytes": 65_536,
            "description_bytes": 20_000,
            "package_bytes": 1_000_000,
        },
    }
    return {**document, **changes}


def opening(data: bytes, *, title: str = "") -> Opening:
    """The opening of a listing of one item whose bytes are `data`, with fresh salts."""
    return Opening(
        root=commitments.fingerprint_root([b"fingerprint of " + data]),
        exact=hashlib.sha256(data).digest(),
        description=Description("image/jpeg", 1, len(data), title=title),
        salt_f=secrets.token_bytes(32),
        salt_d=secrets.token_bytes(32),
        salt_exact=secrets.token_bytes(32),
        items=1,
    )


def offer(price: int = PRICE, **deadlines: int) -> dict[str, Any]:
    return {"right": "ownership", "price": str(price), "deadlines": {**DEADLINES, **deadlines}}


def anything(text: str) -> str:
    """The digest of something that the ledger never sees."""
    return digest(text.encode())


class Market:
    """A market on `backend`: founded, with accounts opened, and verbs for what parties do."""

    def __init__(self, backend: Backend, **changes: Any) -> None:
        self.backend = backend
        self.config = config_json(**changes)
        self.platform, self.supervisor = actor("platform", PLATFORM), actor("supervisor", SUPERVISOR)
        self.issuer, self.arbiter = actor("issuer", PLATFORM), actor("arbiter", SUPERVISOR)
        self.substitute = actor("substitute", SUPERVISOR)
        self.seller, self.buyer = actor("seller"), actor("buyer")
        self.stranger = actor("stranger")
        self.minted = 0
        self.founded = backend.submit(
            PLATFORM, "market.init", canonical.dumps(self.config).decode(), transient={"pepper": b"p" * 32}
        )
        self.open_accounts()

    # Intents

    def sign(
        self,
        who: Actor,
        action: str,
        params: Mapping[str, Any],
        *,
        lifetime_s: int = 300,
        nonce: str | None = None,
        issued_at_ms: int | None = None,
        market: str | None = None,
    ) -> str:
        return intents.sign(
            who.key,
            market=market or self.backend.market,
            action=action,
            params=params,
            issued_at_ms=self.backend.now_ms if issued_at_ms is None else issued_at_ms,
            lifetime_s=lifetime_s,
            nonce=nonce,
        )

    def ask(
        self,
        who: Actor,
        action: str,
        params: Mapping[str, Any],
        attachments: Mapping[str, Any] | None = None,
        *,
        msp: str | None = None,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
        nonce: str | None = None,
    ) -> Committed:
        token = self.sign(who, action, params, nonce=nonce)
        return self.send_token(token, action, attachments, msp=msp or who.msp, transient=transient, unit=unit)

    def send_token(
        self,
        token: str,
        action: str,
        attachments: Mapping[str, Any] | None = None,
        *,
        msp: str = TRADER,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
    ) -> Committed:
        attached = canonical.dumps(dict(attachments or {})).decode()
        return self.backend.submit(msp, action, token, attached, transient=transient, unit=unit)

    # Accounts and money

    @property
    def members(self) -> tuple[Actor, ...]:
        """Those who have accounts from the start."""
        traders = (self.seller, self.buyer, self.stranger)
        return (self.platform, self.supervisor, self.issuer, *traders, self.arbiter, self.substitute)

    def open_accounts(self) -> None:
        for who in self.members:
            self.open_account(who)

    def open_account(self, who: Actor, **params: Any) -> Committed:
        key = {"key": who.encryption.public, "version": 1}
        return self.ask(who, "account.open", {"encryption_key": key, **params})

    def mint(self, who: Actor, amount: int, reference: str | None = None) -> str:
        params = {"to": who.address, "amount": str(amount), "reference": reference or secrets.token_hex(8)}
        coin_id: str = self.ask(self.issuer, "coin.mint", params)["id"]
        self.minted += amount
        return coin_id

    def records(self, prefix: str) -> dict[str, Any]:
        """All records under `prefix`, by what follows it in their keys."""
        found: dict[str, Any] = {}
        bookmark = ""
        while True:
            page = self.backend.evaluate(SUPERVISOR, "audit.page", prefix, "1000", bookmark)
            found |= {item["key"][len(prefix) :]: item["record"] for item in page["items"]}
            bookmark = page["bookmark"]
            if not bookmark:
                return found

    def coins(self, owner: str) -> dict[str, int]:
        """Unspent coins of an address or escrow: minor units by id."""
        return {
            coin_id: int(coin["amount"]) for coin_id, coin in self.records("coin/").items() if coin["owner"] == owner
        }

    def balance(self, who: Actor) -> int:
        return sum(self.coins(who.address).values())

    def total(self) -> int:
        """The sum of all coins, escrows included."""
        return sum(int(coin["amount"]) for coin in self.records("coin/").values())

    def fund(self, who: Actor, amount: int) -> dict[str, list[str]]:
        """Mint exactly `amount` and return it as attachments."""
        return {"coins": [self.mint(who, amount)] if amount else []}

    # Listings

    def list_data(
        self,
        who: Actor | None = None,
        data: bytes = b"photo",
        *,
        msp: str = PLATFORM,
        overlaps: tuple[str, ...] = (),
        **params: Any,
    ) -> Committed:
        who = who or self.seller
        opened = opening(data)
        committed = opened.commitments()
        return self.ask(
            who,
            "listing.create",
            {
                "c_f": committed.c_f,
                "c_d": committed.c_d,
                "c_exact": committed.c_exact,
                "items": 1,
                "generator": "image/v1",
                "offer": offer(),
                **params,
            },
            {"overlaps": list(overlaps)},
            msp=msp,
            transient={"opening": opened.to_json()},
        )

    def split(self, address: str) -> Committed:
        """Register a part of the seller's contract."""
        return self.list_data(data=b"a part", overlaps=(address,))

    def listing(self, address: str) -> dict[str, Any]:
        record: dict[str, Any] = self.backend.evaluate(SUPERVISOR, "audit.listing", address)["listing"]
        return record

    # Trades

    def pay_params(self, address: str, **changes: Any) -> dict[str, Any]:
        listing = self.listing(address)
        return {
            "listing": address,
            "offer_version": listing["offer"]["version"],
            "price": listing["offer"]["price"],
            "bond": self.config["bond"],
            "c_d": listing["c_d"],
            "pk_t": actor("one-time key").encryption.public,
            "deadlines": listing["offer"]["deadlines"],
            **changes,
        }

    def pay(self, address: str, who: Actor | None = None) -> str:
        who = who or self.buyer
        params = self.pay_params(address)
        coins = self.fund(who, int(params["price"]) + int(params["bond"]))
        trade_id: str = self.ask(who, "trade.pay", params, coins)["id"]
        return trade_id

    def trade(self, trade_id: str) -> dict[str, Any]:
        record: dict[str, Any] = self.backend.evaluate(SUPERVISOR, "audit.trade", trade_id)["trade"]
        return record

    def act(self, function: str, trade_id: str, who: Actor | None = None, **changes: Any) -> Committed:
        """Take one step of a trade, by its usual actor and with good parameters unless told otherwise."""
        params = {"trade": trade_id, **self._usual(function, trade_id), **changes}
        attachments = None
        if function == "trade.charge":
            attachments = self.fund(self.seller if who is None else who, int(params["fee"]) + int(params["bond"]))
        return self.ask(who or self._actor(function, trade_id), function, params, attachments)

    def sign_act(self, function: str, trade_id: str) -> tuple[Actor, str, dict[str, list[str]]]:
        """Return what `act` would send, for somebody else to send: who takes the step, his intent, attachments."""
        params = {"trade": trade_id, **self._usual(function, trade_id)}
        charge = function == "trade.charge"
        attached = self.fund(self.seller, int(params["fee"]) + int(params["bond"])) if charge else {}
        who = self._actor(function, trade_id)
        return who, self.sign(who, function, params, lifetime_s=600), attached

    # Claims

    def claim(self, address: str, who: Actor | None = None, **changes: Any) -> str:
        """Claim a listing as the stranger, unless told otherwise, and return the claim's id."""
        params = {"listing": address, "deposit": self.config["claims"]["deposit"], "evidence": anything("original")}
        claim_id: str = self._deposit(who or self.stranger, "claim.open", {**params, **changes})["id"]
        return claim_id

    def answer(self, claim_id: str, who: Actor | None = None, **changes: Any) -> Committed:
        params = {"claim": claim_id, "deposit": self.config["claims"]["deposit"], "evidence": anything("mine")}
        return self._deposit(who or self.seller, "claim.answer", {**params, **changes})

    def find_for(self, claim_id: str, winner: str, who: Actor | None = None, **changes: Any) -> Committed:
        params = {"claim": claim_id, "decision": winner, "reasons": anything("why"), **changes}
        return self.ask(who or self.supervisor, "claim.decide", params)

    def claim_record(self, claim_id: str) -> dict[str, Any]:
        record: dict[str, Any] = self.backend.evaluate(SUPERVISOR, "audit.claim", claim_id)["claim"]
        return record

    def _deposit(self, who: Actor, function: str, params: Mapping[str, Any]) -> Committed:
        return self.ask(who, function, params, self.fund(who, int(params["deposit"])))

    def enforce(self, trade_id: str) -> Committed:
        return self.backend.submit(TRADER, "trade.enforce", trade_id)

    def expire(self, deadline_s: float = DEADLINE_S) -> None:
        """Let a deadline and its guard pass."""
        self.backend.wait(deadline_s + GUARD_S)

    def bring_to(self, state: str, address: str | None = None, who: Actor | None = None, *, before: str = "") -> str:
        """Return a trade that has come to `state` by its parties' acts, and where `before` is what may come next."""
        trade_id = self.pay(address or self.list_data()["id"], who)
        for function, changes in (*PATHS[state], *NEEDED.get((state, before), ())):
            self.act(function, trade_id, **changes)
        assert self.trade(trade_id)["state"] == state
        return trade_id

    def _actor(self, function: str, trade_id: str) -> Actor:
        if function in ("trade.relay", "trade.check"):
            return self.platform
        trade = self.trade(trade_id)
        if function == "trade.decide":
            return self.substitute if trade["decider"] == "substitute" else self.arbiter
        seller = function in ("trade.charge", "trade.send", "trade.cancel", "trade.remedy")
        address = trade["seller"] if seller else trade["buyer"]
        return next(who for who in (self.seller, self.buyer, self.stranger) if who.address == address)

    def _usual(self, function: str, trade_id: str) -> dict[str, Any]:
        if function == "trade.charge":
            trade = self.trade(trade_id)
            return {"fee": trade["fee"], "bond": trade["bond"]}
        if function == "trade.relay":
            remedy = self.trade(trade_id)["remedy"]
            root = remedy["root"] if remedy else anything("package")
            return {"package_root": root, "completed_at": times.to_text(self.backend.now_ms)}
        return {
            "trade.send": {
                "package_root": anything("package"),
                "package_size": 4096,
                "notice": anything("seller's notice"),
            },
            "trade.remedy": {
                "package_root": anything("remedy"),
                "package_size": 4096,
                "notice": anything("seller's second notice"),
            },
            "trade.decide": {"decision": "faulty", "reasons": anything("reasons")},
            "trade.ack": {"verdict": "match", "notice": anything("buyer's notice")},
            "trade.check": {"result": "match"},
            "trade.dispute": {"reason": "mismatch"},
            "trade.open": {"opening": anything("to arbiter"), "substitute_opening": anything("to substitute")},
        }.get(function, {})


Step = tuple[str, dict[str, Any]]

_CHARGE: Step = ("trade.charge", {})
_SEND: Step = ("trade.send", {})
_RELAY: Step = ("trade.relay", {})
_TO_SENT = [_CHARGE, _SEND, _RELAY]
_TO_DISPUTE = [*_TO_SENT, ("trade.dispute", {"reason": "undecryptable"})]

PATHS: Mapping[str, list[Step]] = {
    "PAID": [],
    "FUNDED": [_CHARGE],
    "UPLOADED": [_CHARGE, _SEND],
    "SENT": _TO_SENT,
    "RECEIVED": [*_TO_SENT, ("trade.ack", {})],
    "MATCHED": [*_TO_SENT, ("trade.ack", {}), ("trade.check", {})],
    "MISMATCHED": [*_TO_SENT, ("trade.ack", {"verdict": "altered"})],
    "DISPUTED": _TO_DISPUTE,
    "EVIDENCED": [*_TO_DISPUTE, ("trade.open", {})],
}
"""Acts after the payment that bring a trade to each state that is not final."""


NEEDED: Mapping[tuple[str, str], list[Step]] = {
    ("EVIDENCED", "trade.relay"): [("trade.remedy", {})],
    ("EVIDENCED", "trade.accept"): [("trade.remedy", {}), _RELAY],
}
"""Acts in a state without which another act is not possible there."""


def refused(code: ErrorCode) -> pytest.RaisesExc[MarketError]:
    """A context in which exactly this refusal must be raised."""
    return pytest.RaisesExc(MarketError, check=lambda error: error.code is code)


def tree(count: int) -> list[bytes]:
    """Leaf hashes of a board with `count` entries."""
    return [merkle.leaf_hash(str(number).encode()) for number in range(count)]
