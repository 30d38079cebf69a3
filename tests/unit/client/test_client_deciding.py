"""Disputes as those who decide them meet them: evidence, what it shows, and what becomes of it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.cli.demo import cheats
from countermark.client import deliveries, disputes, listings, purchases, receiving
from countermark.client.disputes import deciding, isolation, opening
from countermark.client.disputes.evidence import Sources
from countermark.client.errors import ClientError
from countermark.protocol import canonical
from countermark.protocol.decisions import Finding
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode
from countermark.protocol.sealed import EncryptionKey
from tests.support.front import URL, Front
from tests.support.pictures import jpeg, photo
from tests.support.watched_folder import watched
from tests.unit.client.conftest import Faulty, OwnLedger, Person, Sale, failing


@dataclass
class Judge:
    """Somebody who may decide, with his home and his way to platform and ledger."""

    person: Person
    ledger: OwnLedger

    @property
    def folder(self) -> Path:
        return self.person.trader.folder / "evidence"

    def examine(self, trade: str, **sources: Any) -> Finding:
        record, keys = self.ledger.trade(trade), self.person.trader.keys
        return deciding.examine(self.person.market(), keys, record, self.folder, Sources(**sources))

    def decide(self, trade: str, **sources: Any) -> Finding:
        finding = self.examine(trade, **sources)
        vault, market = self.person.trader.vault, self.person.market()
        deciding.decide(market, vault, self.ledger, self.ledger.trade(trade), finding, "as the package shows")
        deciding.hand_in(market, vault, self.ledger.trade(trade))
        return finding


def judge(sale: Sale, name: str) -> Judge:
    trader, wire = sale.front.trader(name), Faulty(sale.front)
    trader.http._client = httpx.Client(transport=wire, base_url=URL)
    return Judge(Person(trader, wire), OwnLedger(sale.front.world.market))


@pytest.fixture
def arbiter(sale: Sale) -> Judge:
    return judge(sale, "arbiter")


def disputed(sale: Sale, trade: str, reason: str = "undecryptable") -> str:
    """Bring a trade in SENT to where its arbiter decides."""
    buyer = sale.buyer
    purchases.dispute(buyer.market(), trade, reason)
    disputes.open_key(buyer.market(), buyer.trader.vault, buyer.trader.trade(trade))
    assert sale.state(trade) == "EVIDENCED"
    return trade


def sent_instead(sale: Sale, data: bytes, recipient: str = "") -> str:
    """Have the seller send other data than were registered, or seal them for somebody else than the buyer."""
    seller, trade = sale.seller, sale.funded()
    instead, who = seller.trader.folder / "instead", seller.trader
    instead.write_bytes(data)
    cheats.send_instead(
        *(seller.market(), who.keys, who.vault, who.trade(trade), seller.packages, instead), recipient=recipient
    )
    sale.front.work()
    assert sale.state(trade) == "SENT"
    return trade


@pytest.mark.requirement("A-19", "A-20")
@pytest.mark.requirement("R72")
def test_data_that_are_as_registered_are_paid_for(sale: Sale, arbiter: Judge) -> None:
    trade = disputed(sale, sale.sent())
    (waiting,) = arbiter.person.trader.http.get("/v1/trades?deciding=true")["items"]
    assert waiting["id"] == trade
    assert arbiter.decide(trade) is Finding.AS_REGISTERED
    assert arbiter.person.trader.http.get("/v1/trades?deciding=true")["items"] == []
    told = sale.buyer.trader.trade(trade)
    assert (told["state"], told["outcome"]) == ("SETTLED", "decided")
    for person in (sale.buyer, sale.seller, arbiter.person):
        reasons = deciding.reasons_of(person.market(), person.trader.trade(trade))
        assert (reasons.finding, reasons.remark) == (Finding.AS_REGISTERED, "as the package shows")


def others(front: Front) -> dict[str, bytes]:
    registered = front.photograph.read_bytes()
    return {
        "garbage": bytes(n * n % 251 for n in range(100_000)),
        "other data": jpeg(photo("rocket").resize((256, 256))),
        "no data": b"\0",
        "a degraded copy": jpeg(photo("astronaut").resize((128, 128))),
        "the same picture in other bytes": registered + b"\0",
    }


CHEATS = {
    "garbage": Finding.OTHER_DATA,
    "other data": Finding.OTHER_DATA,
    "no data": Finding.OTHER_DATA,
    "a degraded copy": Finding.OTHER_DATA,
    "the same picture in other bytes": Finding.ALTERED,
}


@pytest.mark.requirement("R69", "R73")
@pytest.mark.parametrize("cheat", CHEATS)
def test_a_seller_who_sends_something_else_is_not_paid(sale: Sale, arbiter: Judge, cheat: str) -> None:
    trade = disputed(sale, sent_instead(sale, others(sale.front)[cheat]))
    assert arbiter.decide(trade) is CHEATS[cheat]
    told = sale.buyer.trader.trade(trade)
    assert (told["state"], told["outcome"]) == ("REFUNDED", "fault")


@pytest.mark.requirement("R69")
def test_a_seller_who_seals_the_data_for_somebody_else_is_not_paid(sale: Sale, arbiter: Judge) -> None:
    registered = sale.front.photograph.read_bytes()
    trade = disputed(sale, sent_instead(sale, registered, EncryptionKey.generate().public))
    assert arbiter.decide(trade) is Finding.UNDECRYPTABLE
    assert sale.buyer.trader.trade(trade)["outcome"] == "fault"


@pytest.mark.requirement("R64", "R68")
def test_a_fingerprint_that_was_registered_falsely_voids_the_contract(
    front: Front, sale: Sale, arbiter: Judge
) -> None:
    other, path = front.folder / "other.jpg", front.folder / "true.jpg"
    other.write_bytes(jpeg(photo("coffee").resize((300, 200))))
    path.write_bytes(jpeg(photo("rocket").resize((300, 200))))
    seller, words = sale.seller, listings.Words("Forged")
    made = cheats.list_under_false_fingerprint(
        seller.market(), seller.trader.vault, path, other, listings.Terms(10_001, {}), words
    )
    sale.listing = str(made.result["id"])
    listings.charge(seller.market(), sale.listing)
    front.work()
    trade = disputed(sale, sale.sent(), "unavailable")
    assert arbiter.decide(trade) is Finding.FALSE_FINGERPRINT
    assert sale.buyer.trader.trade(trade)["outcome"] == "fault"
    assert front.world.market.listing(sale.listing)["state"] == "VOID"


@pytest.mark.requirement("R70", "R74")
@pytest.mark.parametrize("opens", [True, False])
def test_a_buyer_who_lies_about_what_he_got_pays_all_the_same(
    sale: Sale, arbiter: Judge, tmp_path: Path, opens: bool
) -> None:
    trade, buyer = sale.sent(), sale.buyer
    received = buyer.fetch(trade, tmp_path / "bought.jpg")
    who = buyer.trader
    cheats.deny(buyer.market(), who.keys, who.vault, who.trade(trade), received)
    assert sale.state(trade) == "MISMATCHED"
    market = sale.front.world.market
    market.expire()
    assert market.enforce(trade)["state"] == "DISPUTED"
    if opens:
        disputes.open_key(buyer.market(), who.vault, who.trade(trade))
        assert arbiter.decide(trade) is Finding.AS_REGISTERED
    else:
        market.expire()
        market.enforce(trade)
    ended = market.trade(trade)
    assert (ended["state"], ended["outcome"]) == ("SETTLED", "decided" if opens else "buyer_silent")
    paid = {entry["to"]: int(entry["amount"]) for entry in ended["payouts"]}
    assert paid[sale.seller.trader.address] >= int(ended["price"])
    assert who.address not in paid


def opened_as(sale: Sale, trade: str, plaintext: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have the buyer open something else than the trade's one-time key."""
    purchases.dispute(sale.buyer.market(), trade, "undecryptable")
    true = opening.sealed.seal
    buyer = sale.buyer

    def instead(public: str, _plaintext: bytes, **options: Any) -> dict[str, Any]:
        return true(public, plaintext, **options)

    with monkeypatch.context() as patched:
        patched.setattr(opening.sealed, "seal", instead)
        disputes.open_key(buyer.market(), buyer.trader.vault, buyer.trader.trade(trade))
    return trade


@pytest.mark.requirement("R74")
def test_a_buyer_who_opens_no_key_has_not_opened(sale: Sale, arbiter: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    trade = opened_as(sale, sale.sent(), b"{}", monkeypatch)
    assert arbiter.decide(trade) is Finding.NOT_OPENED
    assert sale.buyer.trader.trade(trade)["outcome"] == "buyer_silent"


@pytest.mark.requirement("R74")
def test_a_buyer_who_opens_another_key_has_not_opened(
    sale: Sale, arbiter: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = sale.sent()
    key = opening.b64u(EncryptionKey.generate().to_bytes())
    opened_as(sale, trade, canonical.dumps({"trade": trade, "key": key}), monkeypatch)
    assert arbiter.decide(trade) is Finding.WRONG_KEY
    assert sale.buyer.trader.trade(trade)["outcome"] == "buyer_silent"


def test_a_platform_that_withholds_the_evidence_only_has_the_parties_hand_it_over(
    sale: Sale, arbiter: Judge, tmp_path: Path
) -> None:
    trade = sale.sent()
    disputed(sale, trade)
    package, sealed = deliveries.package_file(sale.seller.packages, trade), tmp_path / "opening"
    sealed.write_bytes(opening.handed_over(sale.buyer.trader.vault, sale.buyer.trader.trade(trade)))

    def withheld(request: httpx.Request) -> httpx.Response | None:
        asked = request.url.path.endswith(("/opening", "/package"))
        problem = {"code": "not_found", "detail": "", "status": 404, "title": "", "type": "/problems/not_found"}
        return httpx.Response(404, json=problem, request=request) if asked else None

    arbiter.person.wire.replace = withheld
    for given in ({}, {"opening": sealed}):
        with pytest.raises(ClientError) as caught:
            arbiter.examine(trade, **given)
        assert caught.value.code == ErrorCode.NOT_FOUND
    assert arbiter.examine(trade, opening=sealed, package=package) is Finding.AS_REGISTERED
    assert arbiter.examine(trade, absent=frozenset({"opening"})) is Finding.NOT_OPENED
    assert arbiter.decide(trade, opening=sealed, absent=frozenset({"package"})) is Finding.NO_BYTES
    assert sale.buyer.trader.trade(trade)["outcome"] == "not_relayed"


def test_other_evidence_than_was_committed_to_decides_nothing(sale: Sale, arbiter: Judge, tmp_path: Path) -> None:
    trade = disputed(sale, sale.sent())
    for name in ("opening", "package"):
        forged = tmp_path / name
        forged.write_bytes(canonical.dumps({"v": 1}))
        with pytest.raises(ClientError) as caught:
            arbiter.examine(trade, **{name: forged})
        assert caught.value.code in {ErrorCode.COMMITMENT_MISMATCH, ErrorCode.PACKAGE_ROOT_MISMATCH}
    arbiter.person.wire.replace = lambda request: (
        httpx.Response(200, json={"opening": {"v": 1}}, request=request)
        if request.url.path.endswith("/opening")
        else None
    )
    with pytest.raises(ClientError, match="another opening"):
        arbiter.examine(trade)
    assert sale.state(trade) == "EVIDENCED"


@pytest.mark.requirement("R71")
@pytest.mark.parametrize("who", ["seller", "buyer", "stranger", "substitute"])
def test_evidence_is_for_the_one_who_decides_now(sale: Sale, who: str) -> None:
    trade = disputed(sale, sale.sent())
    other = judge(sale, who)
    with pytest.raises(ClientError) as caught:
        other.examine(trade)
    assert caught.value.code == ErrorCode.WRONG_ACTOR
    with pytest.raises(ClientError) as caught:
        other.person.trader.http.get(f"/v1/trades/{trade}/opening")
    assert caught.value.code in {ErrorCode.WRONG_ACTOR, ErrorCode.UNKNOWN_TRADE}
    if who != "buyer":
        with pytest.raises(ClientError), other.person.trader.http.download(f"/v1/trades/{trade}/package"):
            pass


def test_the_substitute_decides_when_the_arbiters_time_is_over(sale: Sale, arbiter: Judge) -> None:
    trade = disputed(sale, sale.sent())
    market = sale.front.world.market
    market.expire()
    market.enforce(trade)
    with pytest.raises(ClientError) as caught:
        arbiter.examine(trade)
    assert caught.value.code == ErrorCode.WRONG_ACTOR
    assert judge(sale, "substitute").decide(trade) is Finding.AS_REGISTERED
    assert market.trade(trade)["outcome"] == "decided"


def test_nothing_that_was_decrypted_ever_has_a_name_or_is_left(
    sale: Sale, arbiter: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = disputed(sale, sale.sent())
    arbiter.folder.mkdir(mode=0o700)
    questions = []
    asked = isolation.ask

    def ask(question: Any, folder: Path) -> Finding:
        questions.append(question)
        return asked(question, folder)

    monkeypatch.setattr(isolation, "ask", ask)
    with watched(arbiter.folder) as folder:
        arbiter.decide(trade)
        named = {name for name, what in folder.events() if what in ("created", "moved here")}
        # Beside the package, which is encrypted. Where no file can be without a name it has one while it is empty.
        named.remove(f"{trade}.evidence")
        assert all(folder.of(name)[:2] == ["created", "deleted"] for name in named)
    deciding.forget(arbiter.folder, trade)
    assert list(arbiter.folder.iterdir()) == []
    (question,) = questions
    secret, data = question.key.to_bytes(), sale.front.photograph.read_bytes()
    for path in arbiter.person.trader.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret not in content
            assert data[1000:1064] not in content


def test_a_decision_whose_answer_was_lost_is_given_its_reasons_by_the_next_try(sale: Sale, arbiter: Judge) -> None:
    trade = disputed(sale, sale.sent())
    finding = arbiter.examine(trade)
    vault, market = arbiter.person.trader.vault, arbiter.person.market()
    for _ in range(2):
        record = arbiter.ledger.trade(trade)
        if record["decision"] is None:
            deciding.decide(market, vault, arbiter.ledger, record, finding)
        with pytest.raises(ClientError):
            deciding.reasons_of(sale.buyer.market(), sale.buyer.trader.trade(trade))
    deciding.hand_in(market, vault, arbiter.ledger.trade(trade))
    assert deciding.reasons_of(sale.buyer.market(), sale.buyer.trader.trade(trade)).finding is finding


def test_reasons_that_were_not_decided_by_are_believed_by_nobody(sale: Sale, arbiter: Judge) -> None:
    trade = disputed(sale, sale.sent())
    arbiter.decide(trade)
    true = sale.buyer.trader.http.get(f"/v1/trades/{trade}/decision")
    forged = {"reasons": {**true["reasons"], "remark": "the buyer has lied"}}
    sale.buyer.wire.replace = lambda request: (
        httpx.Response(200, json=forged, request=request) if request.url.path.endswith("/decision") else None
    )
    with pytest.raises(ClientError) as caught:
        deciding.reasons_of(sale.buyer.market(), sale.buyer.trader.trade(trade))
    assert caught.value.code == ErrorCode.COMMITMENT_MISMATCH


def test_an_arbiter_of_another_organisation_than_the_market_says_decides_nothing(sale: Sale, arbiter: Judge) -> None:
    trade = disputed(sale, sale.sent())
    finding = arbiter.examine(trade)
    market = arbiter.person.market()
    reasons = {"trade": trade, "decision": finding.decision, "reasons": digest(b"")}
    with pytest.raises(ClientError) as caught:
        # By the platform's client, which the platform's gateway is.
        market.act(f"/v1/trades/{trade}/decision", "trade.decide", reasons)
    assert caught.value.code in {ErrorCode.MALFORMED_REQUEST, ErrorCode.NOT_PERMITTED}
    assert sale.state(trade) == "EVIDENCED"


def test_what_the_arbiters_own_machine_lacks_is_held_against_nobody(
    sale: Sale, arbiter: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = disputed(sale, sale.sent())
    with monkeypatch.context() as patched:
        patched.setattr(deciding, "_generators", lambda *_: ["image/v9"])
        with pytest.raises(ClientError) as caught:
            arbiter.examine(trade)
        assert caught.value.here
    true = arbiter.person.trader.keys
    for held in ({}, {1: EncryptionKey.generate()}, {2: true.encryption[1]}):
        arbiter.person.trader.keys = replace(true, encryption=held)
        with pytest.raises(ClientError, match="does not have the key"):
            arbiter.examine(trade)
    arbiter.person.trader.keys = true
    assert arbiter.decide(trade) is Finding.AS_REGISTERED


def test_data_whose_bytes_are_others_meet_no_decoder_that_decides(
    sale: Sale, arbiter: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes a decoder over may have it say anything; and what breaks one off is no way out either."""
    trade = disputed(sale, sent_instead(sale, others(sale.front)["other data"]))
    asked = isolation._ask
    for said in (Finding.AS_REGISTERED, ClientError("refused_here", "broke off")):

        def ask(question: Any, folder: Path, said: Any = said) -> Finding:
            if not question.decode:
                return asked(question, folder)
            if isinstance(said, ClientError):
                raise said
            return Finding(said)

        monkeypatch.setattr(isolation, "_ask", ask)
        assert arbiter.examine(trade) is Finding.OTHER_DATA


def test_a_buyer_from_whom_the_platform_withholds_the_package_gets_it_before_the_seller_is_paid(
    sale: Sale, arbiter: Judge, tmp_path: Path
) -> None:
    trade = disputed(sale, sale.sent(), "unavailable")
    record, sources, kept = arbiter.ledger.trade(trade), Sources(), tmp_path / "for the buyer"
    finding = arbiter.examine(trade)
    with pytest.raises(ClientError, match="keep the package for him"):
        deciding.give(arbiter.folder, record, sources, finding, None)
    for _ in range(2):
        deciding.give(arbiter.folder, record, sources, finding, kept)
    arbiter.decide(trade)
    assert sale.buyer.trader.trade(trade)["outcome"] == "supplied"
    buyer, out = sale.buyer, tmp_path / "bought.jpg"
    buyer.wire.lost = lambda request: request.url.path.endswith("/package")
    who = buyer.trader
    received = receiving.fetch(*(buyer.market(), who.vault, who.trade(trade), out, buyer.downloads), handed=kept)
    assert received.verdict == "match"
    assert out.read_bytes() == sale.front.photograph.read_bytes()


def test_what_was_fetched_goes_once_somebody_else_has_ended_the_trade(sale: Sale, arbiter: Judge) -> None:
    running = disputed(sale, sale.sent())
    arbiter.examine(running)
    market = sale.front.world.market
    deciding.forget_ended(arbiter.folder, arbiter.ledger)
    assert [path.name for path in arbiter.folder.glob("*.evidence")] == [f"{running}.evidence"]
    market.act("trade.decide", running)
    deciding.forget_ended(arbiter.folder, arbiter.ledger)
    assert list(arbiter.folder.glob("*.evidence")) == []


@pytest.mark.requirement("A-19")
def test_a_package_that_does_not_open_stays_with_the_buyer_as_evidence(sale: Sale, arbiter: Judge) -> None:
    trade = sent_instead(sale, b"anything", recipient=sale.seller.trader.keys.current_encryption[1].public)
    out = sale.buyer.trader.folder / "bought"
    told = failing(lambda: sale.buyer.fetch(trade, out))
    kept = sale.buyer.downloads / f"{trade}.package"
    assert told.code == "package_undecryptable"
    assert str(kept) in told.detail
    disputed(sale, trade)
    # The platform has lost it.
    sale.front.world.objects.clear(f"packages/{trade}")
    assert arbiter.examine(trade, package=kept) is Finding.UNDECRYPTABLE
