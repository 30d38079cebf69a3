"""Claims of ownership as their parties meet them: evidence, what the supervisor reads, what each has then."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.client import account, purchases
from countermark.client.claims import judge, sides, view
from countermark.client.market import Done
from countermark.platform.claims.papers import ClaimPapers
from countermark.platform.claims.retention import DAY_MS, ClaimRetentionJob
from countermark.platform.store import tables
from countermark.platform.store.quotas import Quota
from countermark.protocol import canonical, intents, sealed
from countermark.protocol.claim_papers import FILE_BYTES, MOST_FILES, Evidence
from countermark.protocol.claims import Claimed
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.market import ARBITER_FEE, CLAIM_DEPOSIT, SUPERVISOR, actor, refused
from tests.support.platform import MARKET
from tests.unit.client.conftest import OwnLedger, Person, Sale, failing
from tests.unit.client.test_client_deciding import judge as sits

pytestmark = pytest.mark.requirement("A-08")

SOMEBODY = actor("seller").address
ORIGINAL = b"the original, larger than what is sold"


def claimant(sale: Sale) -> Person:
    """Somebody with money for a deposit."""
    sale.front.world.market.mint(actor("stranger"), 5 * CLAIM_DEPOSIT)
    sale.front.work()
    return sits(sale, "stranger").person


@pytest.fixture
def stranger(sale: Sale) -> Person:
    return claimant(sale)


@pytest.fixture
def supervisor(sale: Sale) -> Person:
    return sits(sale, "supervisor").person


def claim(sale: Sale, who: Person, *files: Path) -> str:
    done = sides.open_claim(who.market(), sides.evidence_of(who.market(), sale.listing, "I took it in 1998", files))
    assert (done.result["state"], done.entity) == ("OPEN", done.result["id"])
    return done.entity


def answer(sale: Sale, claim_id: str, who: Person | None = None, listing: str = "") -> Done:
    market = (who or sale.seller).market()
    evidence = sides.evidence_of(market, listing or sale.listing, "No, I did", ())
    return sides.answer(market, view.show(sale.seller.market(), claim_id), evidence)


def decide(sale: Sale, supervisor: Person, claim_id: str, winner: Claimed) -> None:
    ledger = OwnLedger(sale.front.world.market)
    market, vault = supervisor.market(), supervisor.trader.vault
    judge.decide(market, vault, ledger, ledger.claim(claim_id), winner, "the negative is his")
    judge.hand_in(market, vault, ledger.claim(claim_id))


@pytest.mark.parametrize("winner", [Claimed.CLAIMANT, Claimed.OWNER])
def test_either_side_shows_and_the_supervisor_alone_reads(
    sale: Sale, stranger: Person, supervisor: Person, winner: Claimed, tmp_path: Path
) -> None:
    shown = tmp_path / "original.tif"
    shown.write_bytes(ORIGINAL)
    claim_id = claim(sale, stranger, shown)
    listing = stranger.trader.http.get(f"/v1/listings/{sale.listing}")
    assert listing["claimed"] is True
    answer(sale, claim_id)
    record = sale.front.world.market.claim_record(claim_id)
    evidence = judge.evidence(supervisor.market(), supervisor.trader.keys, record)
    addresses = [who.trader.keys.address for who in (stranger, sale.seller)]
    assert evidence == {
        "claimant": Evidence(addresses[0], sale.listing, "I took it in 1998", (("original.tif", ORIGINAL),)),
        "owner": Evidence(addresses[1], sale.listing, "No, I did"),
    }
    (written,) = judge.write(
        Evidence(addresses[0], sale.listing, "", (("original.tif", ORIGINAL),)), tmp_path / "read"
    )
    assert written.read_bytes() == ORIGINAL
    for who in (stranger, sale.seller):
        assert failing(lambda who=who: who.trader.http.get(f"/v1/claims/{claim_id}/evidence")).code == "wrong_actor"
    assert failing(lambda: sale.buyer.trader.http.get(f"/v1/claims/{claim_id}")).code == "unknown_claim"
    kept = [path.read_bytes() for path in (sale.front.folder / "objects/claims").rglob("*") if path.is_file()]
    assert len(kept) == 2
    assert not any(ORIGINAL in data or b"1998" in data for data in kept)
    decide(sale, supervisor, claim_id, winner)
    for who in (stranger, sale.seller, supervisor):
        resource = view.show(who.market(), claim_id)
        assert (resource["state"], resource["outcome"]) == ("DECIDED", winner)
        assert view.reasons_of(who.market(), resource).remark == "the negative is his"
        assert [step["function"] for step in resource["history"]] == ["claim.open", "claim.answer", "claim.decide"]
    owner = stranger if winner is Claimed.CLAIMANT else sale.seller
    assert stranger.trader.http.get(f"/v1/listings/{sale.listing}")["owner"] == owner.trader.keys.address
    paid = {entry["to"]: int(entry["amount"]) for entry in sale.front.world.market.claim_record(claim_id)["payouts"]}
    judged = supervisor.trader.keys.address
    loser = sale.seller if owner is stranger else stranger
    for who, counts in ((owner, (1, 0)), (loser, (0, 1))):
        told = account.conduct(supervisor.market(), who.trader.keys.address)
        assert (told["claims_won"], told["claims_lost"]) == counts
    assert paid == {owner.trader.keys.address: 2 * CLAIM_DEPOSIT - ARBITER_FEE, judged: ARBITER_FEE}


def test_each_is_told_of_the_claims_in_which_he_has_a_part(sale: Sale, stranger: Person, supervisor: Person) -> None:
    claim_id = claim(sale, stranger)
    for who in (stranger, sale.seller, supervisor):
        assert [one["id"] for one in view.mine(who.market(), open_only=True)] == [claim_id]
    assert list(view.mine(sale.buyer.market())) == []
    (told,) = view.mine(sale.seller.market())
    assert told["next"]["actors"] == {"claim.answer": ["owner"]}
    answer(sale, claim_id)
    decide(sale, supervisor, claim_id, Claimed.OWNER)
    assert list(view.mine(stranger.market(), open_only=True)) == []
    assert [one["state"] for one in view.mine(stranger.market())] == ["DECIDED"]


def test_an_answer_that_was_lost_claims_once(sale: Sale, stranger: Person) -> None:
    stranger.wire.silent = lambda request: request.method == "POST"
    unknown = failing(lambda: claim(sale, stranger))
    assert unknown.code == "outcome_unknown"
    stranger.wire.silent = lambda _: False
    done = sides.open_claim(
        stranger.market(), sides.evidence_of(stranger.market(), sale.listing, "I took it in 1998", ())
    )
    assert done.resumed
    assert done.entity == unknown.entity
    assert len(sale.front.world.market.records("claim/")) == 1


def test_evidence_that_is_not_what_was_signed_for_is_not_taken(sale: Sale, stranger: Person) -> None:
    market = stranger.market()
    message = _message(b"{}")
    params = {"listing": sale.listing, "deposit": str(CLAIM_DEPOSIT), "evidence": digest(b"something else")}
    body = {"intent": market.sign("claim.open", params), "sealed": message}
    assert failing(lambda: stranger.trader.http.post("/v1/claims", body)).code == "commitment_mismatch"
    assert sale.front.world.market.records("claim/") == {}


def test_evidence_is_of_the_claimed_contract(sale: Sale, stranger: Person) -> None:
    claim_id = claim(sale, stranger)
    assert failing(lambda: answer(sale, claim_id, listing="dc1" + "a" * 52)).code == "refused_here"
    with refused(ErrorCode.UNKNOWN_LISTING):
        sides.evidence_of(stranger.market(), "dc1", "mine", ())
    unknown = sides.evidence_of(stranger.market(), "dc1" + "a" * 52, "mine", ())
    assert failing(lambda: sides.open_claim(stranger.market(), unknown)).code == "unknown_listing"


def test_who_has_no_part_in_a_claim_does_not_answer_it(sale: Sale, stranger: Person) -> None:
    claim_id = claim(sale, stranger)
    sale.front.world.market.mint(actor("buyer"), CLAIM_DEPOSIT)
    sale.front.work()
    assert failing(lambda: answer(sale, claim_id, who=sale.buyer)).code == "unknown_claim"
    assert failing(lambda: answer(sale, claim_id, who=stranger)).code == "wrong_actor"


def _message(plaintext: bytes, *, kind: str = "claim", to: str = "supervisor") -> dict[str, Any]:
    key = actor(to, SUPERVISOR).encryption.public
    return sealed.seal(key, plaintext, kind=kind, market=MARKET, key_version=1)


@pytest.mark.parametrize(
    ("plaintext", "options"),
    [
        pytest.param(b"not JSON", {}, id="not JSON"),
        pytest.param(b"{}", {}, id="no evidence"),
        pytest.param(b"{}", {"to": "third"}, id="sealed to another"),
        pytest.param(b"{}", {"kind": "opening"}, id="of another kind"),
    ],
)
def test_a_side_whose_evidence_nobody_can_read_has_shown_nothing(
    sale: Sale, stranger: Person, supervisor: Person, plaintext: bytes, options: dict[str, str]
) -> None:
    _claim_with(sale, stranger, _message(plaintext, **options))
    (record,) = sale.front.world.market.records("claim/").values()
    evidence = judge.evidence(supervisor.market(), supervisor.trader.keys, record)
    assert str(evidence["claimant"]).startswith("it cannot be read")


def test_a_platform_that_gives_other_evidence_or_reasons_is_found_out(
    sale: Sale, stranger: Person, supervisor: Person
) -> None:
    claim_id = claim(sale, stranger)
    answer(sale, claim_id)
    record = sale.front.world.market.claim_record(claim_id)
    supervisor.wire.replace = _instead({"claimant": _message(b"{}"), "owner": None})
    shown = judge.evidence(supervisor.market(), supervisor.trader.keys, record)
    assert "other evidence" in str(shown["claimant"])
    assert "does not have it" in str(shown["owner"])
    supervisor.wire.replace = lambda _: None
    decide(sale, supervisor, claim_id, Claimed.OWNER)
    for name, other in (("reasons", digest(b"others")), ("decision", "claimant")):
        resource = view.show(stranger.market(), claim_id)
        resource["decision"][name] = other
        told = failing(lambda resource=resource: view.reasons_of(stranger.market(), resource))
        assert told.code == "commitment_mismatch"


def _instead(document: dict[str, Any]) -> Callable[[httpx.Request], httpx.Response | None]:
    """Answer so where evidence is asked for."""
    return lambda request: httpx.Response(200, json=document) if request.url.path.endswith("/evidence") else None


def test_evidence_that_somebody_else_carried_is_not_his(sale: Sale, stranger: Person, supervisor: Person) -> None:
    """Who has seen the sealed message of another, and keeps it back, cannot show it in his own name."""
    honest = Evidence(sale.buyer.trader.keys.address, sale.listing, "I took it", (("original", ORIGINAL),))
    message = _message(honest.to_bytes())
    _claim_with(sale, stranger, message)
    (record,) = sale.front.world.market.records("claim/").values()
    shown = judge.evidence(supervisor.market(), supervisor.trader.keys, record)["claimant"]
    assert isinstance(shown, str)
    assert sale.buyer.trader.keys.address in shown


def _claim_with(sale: Sale, who: Person, message: dict[str, Any], deposit: int = CLAIM_DEPOSIT) -> None:
    params = {
        "listing": sale.listing,
        "deposit": str(deposit),
        "evidence": digest(canonical.dumps(message)),
    }
    body = {"intent": who.market().sign("claim.open", params), "sealed": message}
    who.trader.http.post("/v1/claims", body, wait_s=5)


def test_what_the_ledger_would_refuse_leaves_no_evidence(sale: Sale, stranger: Person) -> None:
    poor, unknown = sits(sale, "buyer").person, sits(sale, "nobody yet").person
    spent = account.balance(poor.market())
    account.transfer(poor.market(), stranger.trader.keys.address, str(spent))
    sale.front.work()
    message = _message(b"{}")
    refusals = {
        "insufficient_funds": lambda: _claim_with(sale, poor, message),
        "unknown_account": lambda: _claim_with(sale, unknown, message),
        "own_listing": lambda: _claim_with(sale, sale.seller, message),
        "wrong_amount": lambda: _claim_with(sale, stranger, message, CLAIM_DEPOSIT - 1),
    }
    assert {code: failing(refused).code for code, refused in refusals.items()} == {code: code for code in refusals}
    assert not [path for path in (sale.front.folder / "objects").rglob("*claims*") if path.is_file()]
    with sale.front.services.database.begin() as connection:
        assert connection.execute(tables.claim_papers.select()).all() == []
    claim(sale, stranger)
    assert failing(lambda: _claim_with(sale, sale.buyer, message)).code == "listing_claimed"


def test_who_owns_the_contract_afterwards_reads_nothing_of_its_claims(
    sale: Sale, stranger: Person, supervisor: Person
) -> None:
    trade = sale.sent()
    claim_id = claim(sale, stranger)
    purchases.confirm(sale.buyer.market(), trade)
    assert failing(lambda: sale.buyer.trader.http.get(f"/v1/claims/{claim_id}/decision")).code == "wrong_actor"
    assert view.show(sale.buyer.market(), claim_id)["sale"]["trade"] == trade
    answer(sale, claim_id)
    decide(sale, supervisor, claim_id, Claimed.OWNER)
    # The sale that waited has made him the owner.
    assert stranger.trader.http.get(f"/v1/listings/{sale.listing}")["owner"] == sale.buyer.trader.keys.address
    assert failing(lambda: sale.buyer.trader.http.get(f"/v1/claims/{claim_id}/decision")).code == "wrong_actor"
    assert list(view.mine(sale.buyer.market())) == []


def test_reasons_are_given_by_the_one_who_has_decided(sale: Sale, stranger: Person, supervisor: Person) -> None:
    claim_id = claim(sale, stranger)
    answer(sale, claim_id)
    record = sale.front.world.market.claim_record(claim_id)
    nothing = failing(lambda: judge.hand_in(supervisor.market(), supervisor.trader.vault, record))
    assert nothing.code == "not_found"
    assert failing(lambda: view.reasons_of(stranger.market(), view.show(stranger.market(), claim_id))).code == (
        "not_found"
    )


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (Evidence(SOMEBODY, "dc1" + "a" * 52, ""), ErrorCode.MALFORMED_REQUEST),
        (Evidence(SOMEBODY, "dc1" + "a" * 52, "x" * 20_001), ErrorCode.MALFORMED_REQUEST),
        (Evidence(SOMEBODY, "dc1" + "a" * 52, "x", (("a", b"1"), ("A", b"2"))), ErrorCode.MALFORMED_REQUEST),
        (Evidence(SOMEBODY, "dc1" + "a" * 52, "x", (("../a", b"1"),)), ErrorCode.MALFORMED_REQUEST),
        (Evidence(SOMEBODY, "dc1" + "a" * 52, "x", (("..", b"1"),)), ErrorCode.MALFORMED_REQUEST),
        (Evidence(SOMEBODY, "dc1" + "a" * 52, "x", (("\u6f22" * 70, b"1"),)), ErrorCode.MALFORMED_REQUEST),
        (Evidence(SOMEBODY, "dc1" + "a" * 52, "x", (("a\x9b2J", b"1"),)), ErrorCode.MALFORMED_REQUEST),
        (Evidence(SOMEBODY, "dc1" + "a" * 52, "x", (("a\u202egpj", b"1"),)), ErrorCode.MALFORMED_REQUEST),
        (Evidence(SOMEBODY, "dc1" + "a" * 52, "x", (("a", bytes(FILE_BYTES + 1)),)), ErrorCode.TOO_LARGE),
        (
            Evidence(SOMEBODY, "dc1" + "a" * 52, "x", tuple((str(n), b"") for n in range(MOST_FILES + 1))),
            ErrorCode.TOO_LARGE,
        ),
    ],
    ids=[
        "no words",
        "too many words",
        "one name twice",
        "a path",
        "a folder above",
        "a long name",
        "a control",
        "a turned name",
        "too large",
        "too many",
    ],
)
def test_what_evidence_cannot_hold_is_refused(evidence: Evidence, code: ErrorCode) -> None:
    with pytest.raises(MarketError) as caught:
        evidence.to_bytes()
    assert caught.value.code is code


def test_as_much_evidence_as_may_be_goes_through(sale: Sale, stranger: Person, supervisor: Person) -> None:
    large = Evidence(
        stranger.trader.keys.address, sale.listing, "x" * 20_000, (("film.bin", secrets.token_bytes(FILE_BYTES)),)
    )
    done = sides.open_claim(stranger.market(), large)
    record = sale.front.world.market.claim_record(done.entity)
    assert judge.evidence(supervisor.market(), supervisor.trader.keys, record)["claimant"] == large


def test_evidence_goes_some_days_after_the_end_and_what_never_came_about_too(sale: Sale, stranger: Person) -> None:
    claim_id = claim(sale, stranger)
    services, folder = sale.front.services, sale.front.folder / "objects/claims"
    days = 0
    job = ClaimRetentionJob(
        services.database, objects=services.objects, clock=lambda: services.clock() + days * DAY_MS, kept_days=30
    )
    days = 31
    assert job.run_once() == 0, "it still waits"
    market = sale.front.world.market
    market.expire()
    market.backend.submit(SUPERVISOR, "claim.enforce", claim_id)
    sale.front.work()
    days = 29
    assert job.run_once() == 0
    days = 31
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert len(kept) == 1
    market.ask(market.supervisor, "listing.hold", {"listing": sale.listing})
    assert job.run_once() == 0
    assert not job.handle(claim_id)
    assert [path for path in folder.rglob("*") if path.is_file()] == kept
    market.ask(market.supervisor, "listing.release", {"listing": sale.listing})
    assert job.run_once() == 1
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert job.run_once() == 0
    with services.database.begin() as connection:
        (row,) = connection.execute(tables.claim_papers.select()).all()
    assert row.deleted_ms is not None


def test_nobody_hands_in_evidence_without_end(sale: Sale, stranger: Person) -> None:
    services, message = sale.front.services, _message(b"{}")
    papers = ClaimPapers(
        services.database,
        services.objects,
        clock=services.clock,
        quota=Quota("claim", most=2, window_ms=3_600_000),
    )

    def hand_in() -> None:
        params = {
            "listing": sale.listing,
            "deposit": str(CLAIM_DEPOSIT),
            "evidence": digest(canonical.dumps(message)),
        }
        token = stranger.market().sign("claim.open", params)
        papers.take_evidence(intents.parse(token, market=stranger.market().name, action="claim.open"), message)

    hand_in()
    hand_in()
    with refused(ErrorCode.RATE_LIMITED):
        hand_in()
    # Of none of them has the ledger heard: after a day they go.
    job = ClaimRetentionJob(
        services.database, objects=services.objects, clock=lambda: services.clock() + 2 * DAY_MS, kept_days=30
    )
    assert job.run_once() == 2
    assert not [path for path in (sale.front.folder / "objects/claims").rglob("*") if path.is_file()]
