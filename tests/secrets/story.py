"""A day on a market: every route of the gateway is used, well and badly, by parties full of canaries.

Six contracts: `sold`, whose ownership changes hands; `disputed`, whose buyer hands his one-time key to the arbiter;
`altered`, which its buyer takes although it is not what was promised; `claimed`, of which a stranger says that it is
his; `pending`, whose fee is never paid, so that nobody but its seller may be told of it; `erased`, which its seller
takes off the market again and erases.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PIL import Image

from countermark.cli.replica import own_ledger
from countermark.cli.up.data import DataFolder
from countermark.client import (
    account,
    deliveries,
    disputes,
    listings,
    orders,
    parts,
    promises,
    purchases,
    receiving,
    searches,
    trades,
    webhooks,
)
from countermark.client.claims import judge, sides, view
from countermark.client.data import only
from countermark.client.disputes import deciding
from countermark.client.errors import ClientError
from countermark.client.examining import examine
from countermark.protocol import ids, intents
from countermark.protocol.claim_papers import Evidence
from countermark.protocol.claims import Claimed
from countermark.protocol.errors import ErrorCode
from countermark.protocol.sealed import EncryptionKey
from tests.secrets.parties import Canaries, Exchange, Person, canary, trader
from tests.support.photographs import photograph
from tests.support.pictures import brighten
from tests.support.receiver import Inbox
from tests.support.whole_platform import Platform

PRICES = {"sold": 4_127, "disputed": 3_961, "altered": 5_283, "claimed": 7_411, "pending": 6_749, "erased": 7_213}


@dataclass
class Goods:
    """What is sold under one contract: the data, what is said of it, and the contract's address."""

    data: bytes = field(repr=False)
    path: Path
    words: listings.Words
    fingerprint: bytes = field(repr=False)
    listing: str = ""
    trade: str = ""


@dataclass
class Story:
    """The day: who took part, what they sent and were answered, and what came of it."""

    platform: Platform
    folder: Path
    inbox: Inbox
    receiver_url: str
    """Where `inbox` receives what is told of a webhook."""
    canaries: Canaries = field(default_factory=Canaries)
    exchanges: list[Exchange] = field(default_factory=list)
    goods: dict[str, Goods] = field(default_factory=dict)
    one_time: dict[str, EncryptionKey] = field(default_factory=dict)
    """The one-time key of each trade."""
    sample: bytes = b""
    """Fingerprint of the sample that was searched for."""
    visit: tuple[bytes, ...] = ()
    """What a member's gateway has after a visit, see `visiting`."""
    cancelled: str = ""
    """A trade that its seller gave up."""
    claim: str = ""
    """A claim of ownership, which fails."""
    evidence: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    """What either side of it says, and shows."""

    def __post_init__(self) -> None:
        shared = (self.platform, self.folder, self.canaries, self.exchanges.append)
        self.seller = trader("seller", *shared, money=20_000)
        self.buyer = trader("buyer", *shared, money=20_000)
        self.stranger = trader("stranger", *shared, money=2_000)
        self.outsider = Person("outsider", *shared)
        self.data = DataFolder(self.platform.data)
        self.supervisor = Person("supervisor", *shared, self.data.role_keys("supervisor"))
        self.arbiter = Person("arbiter", *shared, self.data.role_keys("arbiter"))
        said = {side: canary(f"{side}-statement").encode() for side in ("claimant", "owner")}
        self.evidence = {"claimant": (said["claimant"], secrets.token_bytes(3_000)), "owner": (said["owner"],)}
        for number, name in enumerate(PRICES):
            self.goods[name] = self._goods(name, 700 + number)

    def _goods(self, name: str, seed: int) -> Goods:
        folder = self.folder / self.canaries.file_name / name
        folder.mkdir(parents=True)
        path = photograph(folder / f"{self.canaries.file_name}.jpg", seed)
        # A comment after the first marker and bytes behind the last: what leaks of the data is met wherever it lies.
        picture, comment = path.read_bytes(), secrets.token_bytes(300)
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        path.write_bytes(picture[:2] + segment + picture[2:] + secrets.token_bytes(3_000))
        words = listings.Words(canary(f"{name}-title"), canary(f"{name}-text"), (canary(f"{name}-tag"),))
        fingerprint = examine(path, only([self.generator])).items[0]
        return Goods(path.read_bytes(), path, words, fingerprint)

    @property
    def parties(self) -> tuple[Person, ...]:
        """Those who trade."""
        return self.seller, self.buyer, self.stranger

    @property
    def market(self) -> str:
        """Channel/chaincode."""
        return self.seller.market.name

    @property
    def generator(self) -> str:
        """The generator of every fingerprint of the day."""
        return self.seller.market.config.preferred

    def name_of(self, trade: str) -> str:
        """Return the name of the goods that changed hands in a trade."""
        return next(name for name, one in self.goods.items() if one.trade == trade)

    def of(self, person: Person) -> Iterator[Exchange]:
        """Yield what somebody asked and was answered."""
        return (one for one in self.exchanges if one.who == person.name)

    def tell(self) -> "Story":
        """Let the day pass."""
        webhooks.add(self.seller.market, f"{self.receiver_url}/{self.canaries.hook}")
        self._put_on_market()
        self._erase()
        self._money()
        self._offers()
        self._search()
        self._give_up()
        self._sell()
        self._take_altered()
        self._dispute()
        self._claim()
        self._be_told()
        return self

    # The seller's side, steps (1) to (8)

    def _put_on_market(self) -> None:
        seller = self.seller
        for name, goods in self.goods.items():
            with pytest.MonkeyPatch.context() as patched:
                if name == "disputed":
                    # As those of a large collection go; the offer then asks for the part, and does not send it again.
                    patched.setattr(parts, "INLINE_BYTES", 0)
                    items = examine(goods.path, seller.market.config.generators_for).items
                    parts.upload(seller.market, seller.vault, items)
                terms = listings.Terms(PRICES[name], {})
                made = listings.create(seller.market, seller.vault, goods.path, terms, goods.words)
            goods.listing = str(made.result["id"])
            if name != "pending":
                listings.charge(seller.market, goods.listing)
        copy = self.folder / "copy.jpg"
        copy.write_bytes(self.goods["sold"].data)
        terms, words = listings.Terms(1, {}), listings.Words()
        with pytest.raises(ClientError) as refused:
            listings.create(self.stranger.market, self.stranger.vault, copy, terms, words)
        assert refused.value.code in (ErrorCode.ALREADY_REGISTERED, ErrorCode.SIMILAR_REGISTERED)

    def _erase(self) -> None:
        """Let somebody read a listing, the supervisor hold it and let go of it, and its seller have it erased."""
        market, address = self.seller.market, self.goods["erased"].listing
        searches.show(self.buyer.market, address)
        listings.withdraw(market, address)
        account.open_account(self.supervisor.market, self.supervisor.keys)
        with own_ledger(self.data.connections / "supervisor.json") as ledger:
            orders.hold(ledger, self.supervisor.keys.account, address)
            with pytest.raises(ClientError) as refused:
                listings.erase(market, address)
            assert refused.value.code == ErrorCode.LEGAL_HOLD
            orders.release(ledger, self.supervisor.keys.account, address)
        listings.erase(market, address)

    def _money(self) -> None:
        buyer = self.buyer
        account.transfer(buyer.market, self.stranger.address, "7")
        path = f"/v1/accounts/{buyer.address}"
        buyer.market.act(f"{path}/redemptions", "coin.redeem", {"issuer": "PlatformMSP", "amount": "5"})
        buyer.market.act(f"{path}/cancellations", "intent.cancel", {"nonce": intents.new_nonce()})
        fresh = EncryptionKey.generate()
        self.stranger.keys.encryption[2] = fresh
        self.stranger.market.act(
            f"/v1/accounts/{self.stranger.address}/encryption-key",
            "account.rotate_encryption_key",
            {"encryption_key": {"version": 2, "key": fresh.public}},
        )

    def _offers(self) -> None:
        market, listing = self.seller.market, self.goods["sold"].listing
        listings.offer(market, listing, listings.Terms(PRICES["sold"] + 1, {}))
        listings.withdraw(market, listing)
        listings.relist(market, listing, listings.Terms(PRICES["sold"], {}))

    # The buyer's side, steps (9) to (24)

    def _search(self) -> None:
        sample = self.folder / "sample.jpg"
        with Image.open(self.goods["sold"].path) as picture:
            brighten(picture.convert("RGB"), 1.1).save(sample, quality=80)
        self.sample = examine(sample, only([self.generator])).items[0]
        assert self.goods["sold"].listing in searches.by_sample(self.buyer.market, self.buyer.keys, sample)
        traced = searches.trace(self.buyer.market, self.buyer.keys, sample)
        assert self.goods["sold"].listing in [contract["listing"] for contract in traced]

    def _give_up(self) -> None:
        """Pay by the route that names the trade beforehand; the seller then gives the sale up."""
        market, listing, nonce = self.buyer.market, self.goods["sold"].listing, intents.new_nonce()
        resource = searches.show(market, listing)
        one_time = EncryptionKey.generate()
        params = {
            "listing": listing,
            "offer_version": resource["offer"]["version"],
            "price": resource["offer"]["price"],
            "bond": str(market.config.bond),
            "c_d": resource["c_d"],
            "pk_t": one_time.public,
            "deadlines": resource["offer"]["deadlines"],
        }
        trade = ids.trade_id(market=market.name, listing=listing, buyer=market.address, nonce=nonce)
        body = {"intent": market.sign("trade.pay", params, nonce=nonce)}
        paid = self.buyer.ask("POST", f"/v1/trades/{trade}/payment", json=body, headers={"Prefer": "wait=30"})
        assert paid.status_code in (200, 202), paid.text
        self._until(self.seller, trade, "PAID")
        deliveries.cancel(self.seller.market, trade)
        self.cancelled = trade
        self.one_time[trade] = one_time

    def _deliver(self, name: str) -> str:
        goods = self.goods[name]
        goods.trade = self.buyer.buy(goods.listing)
        self.one_time[goods.trade] = promises.recall(self.buyer.vault, goods.trade).key
        self.seller.deliver(goods.trade)
        self._until(self.buyer, goods.trade, "SENT")
        return goods.trade

    def _receive(self, name: str) -> receiving.Received:
        trade, out = self.buyer.trade(self.goods[name].trade), self.buyer.folder / f"{name}.jpg"
        received = receiving.fetch(self.buyer.market, self.buyer.vault, trade, out, self.buyer.folder)
        assert (received.verdict, out.read_bytes()) == ("match", self.goods[name].data)
        return received

    def _acknowledge(self, name: str, received: receiving.Received) -> None:
        buyer, trade = self.buyer, self.buyer.trade(self.goods[name].trade)
        purchases.acknowledge(buyer.market, buyer.keys, buyer.vault, trade, received)

    def _sell(self) -> None:
        trade = self._deliver("sold")
        self._acknowledge("sold", self._receive("sold"))
        self._until(self.buyer, trade, "MATCHED")
        purchases.confirm(self.buyer.market, trade)

    def _take_altered(self) -> None:
        trade = self._deliver("altered")
        self._acknowledge("altered", replace(self._receive("altered"), verdict="altered"))
        self._until(self.buyer, trade, "MISMATCHED")
        purchases.accept(self.buyer.market, trade)

    def _dispute(self) -> None:
        trade = self._deliver("disputed")
        purchases.dispute(self.buyer.market, trade, "undecryptable")
        disputes.open_key(self.buyer.market, self.buyer.vault, self.buyer.trade(trade))
        self._make_good(trade)
        self._decide(trade)

    def _make_good(self, trade: str) -> None:
        """Have the seller send a second package, which the buyer fetches and does not accept."""
        seller, buyer = self.seller, self.buyer
        deliveries.send(
            *(seller.market, seller.keys, seller.vault, seller.trade(trade), seller.folder),
            delivery=deliveries.REMEDY,
        )
        relayed: list[str] = []

        def twice(line: str) -> bool:
            relayed.extend([line] if trade in line and "trade.relay" in line else [])
            return len(relayed) == 2

        buyer.hear("/v1/events", twice)
        out = buyer.folder / "remedy.jpg"
        receiving.fetch(
            *(buyer.market, buyer.vault, buyer.trade(trade), out, buyer.folder), delivery=deliveries.REMEDY
        )
        assert out.read_bytes() == self.goods["disputed"].data

    def _decide(self, trade: str) -> None:
        arbiter = self.arbiter
        account.open_account(arbiter.market, arbiter.keys)
        arbiter.ask("GET", "/v1/trades?deciding=true")
        with own_ledger(self.data.connections / "supervisor.json") as ledger:
            record, folder = ledger.trade(trade), arbiter.folder / "evidence"
            finding = deciding.examine(arbiter.market, arbiter.keys, record, folder)
            deciding.decide(arbiter.market, arbiter.vault, ledger, record, finding, "as it was registered")
            deciding.forget(folder, trade)
            deciding.hand_in(arbiter.market, arbiter.vault, ledger.trade(trade))
        for person in (self.seller, self.buyer):
            assert deciding.reasons_of(person.market, person.trade(trade)).finding == finding
        account.conduct(self.buyer.market, self.seller.address)

    def _claim(self) -> None:
        """Have the stranger claim what the seller has on the market, both show something, the supervisor decide."""
        stranger, seller, supervisor = self.stranger, self.seller, self.supervisor
        listing = self.goods["claimed"].listing
        shown = self.folder / self.canaries.file_name / "evidence.tif"
        shown.write_bytes(self.evidence["claimant"][1])
        evidence = sides.evidence_of(stranger.market, listing, self.evidence["claimant"][0].decode(), [shown])
        self.claim = sides.open_claim(stranger.market, evidence).entity
        answered = sides.evidence_of(seller.market, listing, self.evidence["owner"][0].decode(), [])
        sides.answer(seller.market, view.show(seller.market, self.claim), answered)
        assert [one["id"] for one in view.mine(seller.market)] == [self.claim]
        with own_ledger(self.data.connections / "supervisor.json") as ledger:
            record = ledger.claim(self.claim)
            read = judge.evidence(supervisor.market, supervisor.keys, record)
            assert {side: one.statement.encode() for side, one in read.items() if isinstance(one, Evidence)} == {
                side: secrets[0] for side, secrets in self.evidence.items()
            }
            judge.decide(
                *(supervisor.market, supervisor.vault, ledger, record), Claimed.OWNER, "he has the negatives"
            )
            judge.hand_in(supervisor.market, supervisor.vault, ledger.claim(self.claim))
        assert view.reasons_of(stranger.market, view.show(stranger.market, self.claim)).remark

    def _until(self, who: Person, trade: str, state: str) -> None:
        """Wait until the trade is in `state`, told by the gateway's events."""
        trades.await_state(who.market, trade, frozenset({state}))

    # Whoever is told without asking

    def _be_told(self) -> None:
        """Let the seller's receiver hear of the dispute, and forget another webhook of his."""
        disputed = self.goods["disputed"].trade.encode()
        self.inbox.wait_for(lambda arrived: any(disputed in one.body for one in arrived))
        market = self.seller.market
        second = webhooks.add(market, f"{self.receiver_url}/second/{self.canaries.hook}")
        for hook in webhooks.mine(market):
            self.seller.ask("GET", f"/v1/webhooks/{hook['id']}")
        webhooks.remove(market, second["id"])
