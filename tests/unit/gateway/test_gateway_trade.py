"""A whole trade through the gateway's resources, by the real client; what each answer is, and what it never holds."""

import json
from typing import Any

import httpx
import pytest

from countermark.chaincode import state
from countermark.client import account, listings, purchases, searches
from countermark.platform.board.anchoring import AnchorJob
from countermark.platform.store import tables
from countermark.protocol import intents, merkle
from countermark.protocol.encoding import b64u, undigest
from countermark.protocol.errors import ErrorCode
from countermark.protocol.sealed import EncryptionKey
from tests.support.front import MANAGEMENT_FEE, Front
from tests.support.market import actor
from tests.unit.gateway.conftest import Sale, refused


@pytest.mark.requirement("R30")
@pytest.mark.requirement("R33")
def test_whole_trade_settles(sale: Sale) -> None:
    assert sale.listing in [item["address"] for item in searches.browse(sale.buyer.market)]
    assert searches.show(sale.buyer.market, sale.listing)["description"]["title"] == "An Astronaut"
    assert searches.by_sample(sale.buyer.market, sale.buyer.keys, sale.front.photograph) == [sale.listing]
    trade = sale.pay()
    sale.send(trade)
    assert sale.buyer.trade(trade)["state"] == "SENT"
    received = sale.receive(trade)
    assert received.verdict == "match"
    assert received.path.read_bytes() == sale.front.photograph.read_bytes()
    assert sale.buyer.trade(trade)["state"] == "MATCHED"
    purchases.confirm(sale.buyer.market, trade)
    resource = sale.seller.trade(trade)
    assert (resource["state"], resource["outcome"], resource["next"]["actors"]) == ("SETTLED", "confirmed", {})
    assert [step["function"] for step in resource["history"]] == [
        *("trade.pay", "trade.charge", "trade.send", "trade.relay", "trade.ack", "trade.check", "trade.confirm")
    ]
    assert account.balance(sale.seller.market) == 50_000 + 10_001 - 250 - MANAGEMENT_FEE
    assert account.balance(sale.buyer.market) == 50_000 - 10_001


@pytest.mark.requirement("R14")
def test_ledger_table_and_board_tell_of_the_same_trade(sale: Sale) -> None:
    """Each alone could be made up; the entries' digests stand in signed intents, their tree's root on the ledger."""
    trade = sale.pay()
    sale.send(trade)
    sale.receive(trade)
    purchases.confirm(sale.buyer.market, trade)
    AnchorJob(sale.front.world.acting, sale.front.services.board).run_once()
    ledger = sale.front.channel
    contract = state.decode(ledger.state[state.listing(sale.listing)])
    (row,) = sale.front.world.rows(tables.data_contracts)
    assert row.record == contract
    assert (row.address, row.owner, row.state) == (sale.listing, sale.buyer.address, "SOLD")
    settled = state.decode(ledger.state[state.trade(trade)])
    committed = {
        transaction.function: intents.parse(transaction.args[0].decode(), market=sale.buyer.market.name)
        for block in ledger.blocks_made
        for transaction in block.transactions
        if transaction.valid and transaction.function in ("trade.send", "trade.ack")
    }
    anchor = state.decode(ledger.state[state.ANCHOR])
    for kind, action, role, who in (
        ("seller_notice", "trade.send", "seller", sale.seller),
        ("buyer_notice", "trade.ack", "buyer", sale.buyer),
    ):
        (entry,) = who.market.pages("/v1/board")
        assert (entry["kind"], entry["trade"], entry["signer"]) == (kind, trade, who.address)
        assert committed[action].signer == who.address
        assert entry["digest"] == committed[action].params["notice"] == settled["notices"][role]
        proof = who.http.get(f"/v1/board/{entry['seq']}/proof")
        path = [undigest(step) for step in proof["path"]]
        # The gateway's own word for size and root counts for nothing.
        merkle.verify_inclusion(undigest(entry["leaf"]), entry["seq"], anchor["size"], undigest(anchor["root"]), path)


def test_reader_sees_what_he_has_written(sale: Sale) -> None:
    trade = sale.pay()
    assert sale.buyer.trade(trade)["state"] == "PAID"
    assert [one["id"] for one in sale.buyer.market.pages("/v1/trades", {"open": "true"})] == [trade]
    assert sale.front.http().get(f"/v1/listings/{sale.listing}")["state"] == "RESERVED"


def test_stranger_is_told_that_there_is_no_such_trade(sale: Sale) -> None:
    trade = sale.pay()
    stranger = sale.front.trader("stranger")
    with refused(ErrorCode.UNKNOWN_TRADE) as caught:
        stranger.trade(trade)
    assert caught.value.status == 404
    for resource, function in (("confirmation", "trade.confirm"), ("cancellation", "trade.cancel")):
        with refused(ErrorCode.UNKNOWN_TRADE):
            stranger.market.act(f"/v1/trades/{trade}/{resource}", function, {"trade": trade})
    with refused(ErrorCode.UNKNOWN_TRADE):
        stranger.http.put_range(f"/v1/trades/{trade}/package", b"x", start=0, total=10)
    assert list(stranger.market.pages("/v1/trades")) == []


def test_unpaid_listing_is_shown_to_its_seller_only(front: Front) -> None:
    seller, stranger = front.trader("seller"), front.trader("stranger")
    made = listings.create(
        seller.market, seller.vault, front.photograph, listings.Terms(100, {}), listings.Words()
    ).result["id"]
    assert searches.show(seller.market, made)["state"] == "PENDING_FEE"
    for reader in (stranger.http, front.http()):
        for path in (f"/v1/listings/{made}", f"/v1/listings/{made}/registration"):
            with refused(ErrorCode.UNKNOWN_LISTING):
                reader.get(path)
        for state_ in ("any", "PENDING_FEE"):
            assert reader.get("/v1/listings", {"state": state_})["items"] == []
    own = {"state": "PENDING_FEE"}
    assert [one["address"] for one in searches.browse(seller.market, dict(own))] == [made]
    with refused(ErrorCode.UNKNOWN_LISTING):
        listings.charge(stranger.market, made)


def test_wrong_state_names_the_state_and_what_is_allowed(sale: Sale) -> None:
    trade = sale.pay()
    with refused(ErrorCode.WRONG_STATE) as caught:
        purchases.confirm(sale.buyer.market, trade)
    assert caught.value.status == 409
    assert caught.value.extra == {"trade_state": "PAID", "allowed": []}
    assert caught.value.txid
    sale.send(trade)
    with refused(ErrorCode.WRONG_STATE) as caught:
        purchases.accept(sale.buyer.market, trade)
    assert caught.value.extra == {
        "trade_state": "SENT",
        "allowed": ["trade.ack", "trade.confirm", "trade.dispute"],
    }


def test_wrong_state_of_a_listing(sale: Sale) -> None:
    listings.withdraw(sale.seller.market, sale.listing)
    with refused(ErrorCode.WRONG_STATE) as caught:
        listings.withdraw(sale.seller.market, sale.listing)
    assert caught.value.extra == {"listing_state": "WITHDRAWN", "allowed": ["listing.erase", "listing.relist"]}


def test_same_intent_again_has_the_same_answer(sale: Sale) -> None:
    trade = sale.pay()
    resource = sale.seller.trade(trade)
    params = {"trade": trade, "fee": resource["fee"], "bond": resource["bond"]}
    body = {"intent": sale.seller.market.sign("trade.charge", params)}
    path = f"/v1/trades/{trade}/charge"
    first = sale.seller.http.post(path, body, wait_s=5)
    assert first["state"] == "committed"
    assert sale.seller.http.post(path, body, wait_s=5) == first
    assert sale.seller.trade(trade)["state"] == "FUNDED"


def test_another_intent_under_a_used_nonce_is_refused(sale: Sale) -> None:
    nonce = intents.new_nonce()
    key = actor("buyer").key
    for amount, code in (("1", None), ("2", ErrorCode.INTENT_REPLAYED)):
        token = intents.sign(
            key,
            market=sale.buyer.market.name,
            action="coin.transfer",
            params={"to": sale.seller.address, "amount": amount},
            issued_at_ms=sale.buyer.market.now(),
            nonce=nonce,
        )
        path = f"/v1/accounts/{sale.buyer.address}/transfers"
        if code is None:
            sale.buyer.http.post(path, {"intent": token}, wait_s=5)
        else:
            with refused(code):
                sale.buyer.http.post(path, {"intent": token}, wait_s=5)


def test_a_request_that_the_ledger_takes_for_misdated_waits_until_the_clock_is_right(sale: Sale) -> None:
    """Nobody is told that it failed: it is saved, and is done once, whoever asks again meanwhile."""
    trade = sale.pay()
    resource = sale.seller.trade(trade)
    params = {"trade": trade, "fee": resource["fee"], "bond": resource["bond"]}
    body = {"intent": sale.seller.market.sign("trade.charge", params)}
    sale.front.channel.skewed = True
    answers = [sale.front.raw().post(f"/v1/trades/{trade}/charge", json=body) for _ in range(2)]
    problem = answers[0].json()
    assert (answers[0].status_code, problem["code"], problem["retryable"]) == (503, "clock_skewed", True)
    assert answers[1].status_code in (202, 503)
    sale.front.channel.skewed = False
    sale.front.finish(problem["txid"])
    assert sale.front.raw().post(f"/v1/trades/{trade}/charge", json=body).json()["state"] == "committed"
    assert sale.seller.trade(trade)["state"] == "FUNDED"


def test_without_prefer_the_answer_is_pending_and_says_where_to_ask(sale: Sale) -> None:
    token = sale.buyer.market.sign("coin.transfer", {"to": sale.seller.address, "amount": "1"})
    answer = sale.front.raw().post(f"/v1/accounts/{sale.buyer.address}/transfers", json={"intent": token})
    assert answer.status_code == 202
    transaction = answer.json()
    assert transaction["state"] == "pending"
    assert answer.headers["Location"] == f"/v1/transactions/{transaction['txid']}"
    sale.front.finish(transaction["txid"])
    assert sale.buyer.market.settled(transaction).result["tx"] == transaction["txid"]


def test_committed_is_said_only_when_readers_can_see_it(sale: Sale) -> None:
    projector, sale.front.channel.projector = sale.front.channel.projector, None
    token = sale.buyer.market.sign("coin.transfer", {"to": sale.seller.address, "amount": "1"})
    path = f"/v1/accounts/{sale.buyer.address}/transfers"
    answer = sale.front.raw().post(path, json={"intent": token}, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    sale.front.channel.projector = projector
    sale.front.channel.project()
    again = sale.front.raw().get(answer.headers["Location"])
    assert (again.status_code, again.json()["state"]) == (200, "committed")


def test_intent_of_an_absent_ledger_is_kept_and_done_later(sale: Sale) -> None:
    sale.front.channel.away = True
    token = sale.buyer.market.sign("coin.transfer", {"to": sale.seller.address, "amount": "1"})
    path = f"/v1/accounts/{sale.buyer.address}/transfers"
    answer = sale.front.raw().post(path, json={"intent": token}, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    sale.front.channel.away = False
    sale.front.finish(answer.json()["txid"])
    again = sale.front.raw().post(path, json={"intent": token})
    assert (again.status_code, again.json()["state"]) == (200, "committed")


def test_path_and_intent_must_name_the_same(sale: Sale) -> None:
    trade = sale.pay()
    other = "tr1" + "a" * 52
    with refused(ErrorCode.MALFORMED_REQUEST):
        sale.seller.market.act(f"/v1/trades/{other}/cancellation", "trade.cancel", {"trade": trade})
    with refused(ErrorCode.WRONG_ACTION):
        sale.seller.market.act(f"/v1/trades/{trade}/cancellation", "trade.confirm", {"trade": trade})
    with refused(ErrorCode.MALFORMED_REQUEST):
        path = f"/v1/accounts/{sale.seller.address}/transfers"
        sale.buyer.market.act(path, "coin.transfer", {"to": sale.seller.address, "amount": "1"})


def test_payment_under_a_trade_known_beforehand(sale: Sale) -> None:
    resource = searches.show(sale.buyer.market, sale.listing)
    params = sale.front.world.market.pay_params(sale.listing, c_d=resource["c_d"])
    token = sale.buyer.market.sign("trade.pay", params)
    with refused(ErrorCode.MALFORMED_REQUEST):
        sale.buyer.http.post(f"/v1/trades/tr1{'a' * 52}/payment", {"intent": token}, wait_s=5)


@pytest.mark.parametrize("lifetime_s", [601, 3600])
def test_money_intent_that_lives_too_long_is_refused(sale: Sale, lifetime_s: int) -> None:
    token = intents.sign(
        actor("buyer").key,
        market=sale.buyer.market.name,
        action="coin.transfer",
        params={"to": sale.seller.address, "amount": "1"},
        issued_at_ms=sale.buyer.market.now(),
        lifetime_s=lifetime_s,
    )
    with refused(ErrorCode.INTENT_TOO_LONG):
        sale.buyer.http.post(f"/v1/accounts/{sale.buyer.address}/transfers", {"intent": token})


def test_refused_registration_names_its_case_and_ones_own_contract(sale: Sale) -> None:
    arguments = (sale.front.photograph, listings.Terms(100, {}), listings.Words())
    with refused(ErrorCode.ALREADY_LISTED) as caught:
        listings.create(sale.seller.market, sale.seller.vault, *arguments)
    extra = caught.value.extra
    assert extra is not None
    assert extra["listing"] == sale.listing
    assert str(extra["case"]).startswith("case-")
    with refused(ErrorCode.SIMILAR_REGISTERED) as caught:
        listings.create(sale.buyer.market, sale.buyer.vault, *arguments)
    assert caught.value.status == 409
    assert set(caught.value.extra or {}) == {"case"}


def test_board_shows_ones_own_entries_and_proves_them(sale: Sale) -> None:
    trade = sale.pay()
    sale.send(trade)
    sale.receive(trade)
    (entry,) = sale.seller.market.pages("/v1/board")
    assert (entry["trade"], entry["kind"], entry["seq"]) == (trade, "seller_notice", 0)
    with refused(ErrorCode.NOT_FOUND):
        sale.buyer.http.get("/v1/board/0/proof")
    supervisor = sale.front.http(sale.front.world.market.supervisor)
    assert len(supervisor.get("/v1/board")["items"]) == 2
    sale.front.work()
    proof = sale.seller.http.get("/v1/board/0/proof")
    root, steps = undigest(proof["root"]), [undigest(step) for step in proof["path"]]
    merkle.verify_inclusion(undigest(proof["leaf"]), proof["seq"], proof["size"], root, steps)
    assert proof["leaf"] == entry["leaf"]
    with refused(ErrorCode.NOT_FOUND):
        sale.seller.http.get("/v1/board/one/proof")


def test_audit_is_for_the_supervisor(sale: Sale) -> None:
    trade = sale.pay()
    supervisor = sale.front.http(sale.front.world.market.supervisor)
    assert supervisor.get(f"/v1/audit/trades/{trade}")["trade"]["id"] == trade
    assert supervisor.get(f"/v1/audit/listings/{sale.listing}")["listing"]["address"] == sale.listing
    assert supervisor.get(f"/v1/audit/accounts/{sale.buyer.address}")["account"]["address"] == sale.buyer.address
    with refused(ErrorCode.NOT_PERMITTED) as caught:
        sale.buyer.http.get(f"/v1/audit/trades/{trade}")
    assert caught.value.status == 403
    with refused(ErrorCode.UNKNOWN_TRADE):
        supervisor.get(f"/v1/audit/trades/tr1{'a' * 52}")


@pytest.mark.requirement("R34")
@pytest.mark.requirement("R85")
def test_no_answer_or_log_line_holds_a_fingerprint_or_a_salt(
    sale: Sale, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    original = sale.front.raw

    def recording() -> Any:
        client = original()
        client.event_hooks["response"] = [record]
        return client

    def record(response: httpx.Response) -> None:
        if "json" in response.headers["Content-Type"]:
            seen.append(response.read().decode())

    for who in (sale.seller, sale.buyer):
        who.http._client = recording()
    trade = sale.pay()
    sale.send(trade)
    sale.receive(trade)
    list(searches.browse(sale.buyer.market))
    searches.show(sale.buyer.market, sale.listing)
    sale.seller.http.get("/v1/board")
    held = listings.recall(sale.seller.vault, sale.listing)
    (row,) = sale.front.world.rows(_contracts())
    opening = sale.front.services.columns.opening(row)
    secrets = {
        b64u(opening.salt_f),
        b64u(opening.salt_exact),
        b64u(opening.root),
        opening.root.hex(),
        opening.exact.hex(),
        b64u(held.salt_f),
    }
    logged = caplog.text + capsys.readouterr().out
    assert "route=/v1/trades" in logged
    text = "\n".join([*seen, logged])
    assert "An Astronaut" in text, "the test sees what is public"
    assert b64u(opening.salt_d) in text, "the description's salt is public once listed"
    assert not [secret for secret in secrets if secret in text]
    assert sale.buyer.address not in logged


def _contracts() -> Any:
    from countermark.platform.store import tables

    return tables.data_contracts


def test_accounts_are_shown_to_themselves(sale: Sale) -> None:
    assert account.show(sale.buyer.market)["address"] == sale.buyer.address
    for path in (f"/v1/accounts/{sale.seller.address}", f"/v1/accounts/{sale.seller.address}/coins"):
        with refused(ErrorCode.UNKNOWN_ACCOUNT) as caught:
            sale.buyer.http.get(path)
        assert caught.value.status == 404


def test_a_burnt_nonce_acts_no_more(sale: Sale) -> None:
    """What a client needs before it may say that a payment whose answer it lost has failed."""
    buyer = sale.buyer
    nonce = "A" * 22
    token = buyer.market.sign("coin.transfer", {"to": sale.seller.address, "amount": "1"}, nonce=nonce)
    buyer.market.act(f"/v1/accounts/{buyer.address}/cancellations", "intent.cancel", {"nonce": nonce})
    with refused(ErrorCode.INTENT_CANCELLED):
        buyer.http.post(f"/v1/accounts/{buyer.address}/transfers", {"intent": token}, wait_s=30)
    assert account.balance(buyer.market) == 50_000


def test_money_that_is_redeemed_leaves_the_purse(sale: Sale) -> None:
    issuer = next(iter(sale.buyer.market.config.issuers))
    path = f"/v1/accounts/{sale.buyer.address}/redemptions"
    done = sale.buyer.market.act(path, "coin.redeem", {"issuer": issuer, "amount": "20000"})
    assert done.result["state"] == "LOCKED"
    assert account.balance(sale.buyer.market) == 30_000


def test_the_next_encryption_key_is_named_by_the_account_itself(sale: Sale) -> None:
    path = f"/v1/accounts/{sale.buyer.address}/encryption-key"
    params = {"encryption_key": {"version": 2, "key": EncryptionKey.generate().public}}
    with refused(ErrorCode.MALFORMED_REQUEST):
        sale.seller.market.act(path, "account.rotate_encryption_key", params)
    sale.buyer.market.act(path, "account.rotate_encryption_key", params)
    assert account.show(sale.buyer.market)["encryption_key"] == params["encryption_key"]


def test_coins_come_in_pages(sale: Sale) -> None:
    for number in range(3):
        account.fund(sale.buyer.market, "10", f"more-{number}")
    path = f"/v1/accounts/{sale.buyer.address}/coins"
    request = sale.buyer.http._request("GET", f"{path}?limit=3")
    link = sale.front.raw().send(request).headers["Link"]
    assert link.startswith(f"<{path}?limit=3&cursor=")
    assert link.endswith('>; rel="next"')
    first = sale.buyer.http.get(path, {"limit": 3})
    second = sale.buyer.http.get(path, {"limit": 3, "cursor": first["next"]})
    assert (len(first["coins"]), len(second["coins"]), second["next"]) == (3, 1, None)
    assert first["balance"] == second["balance"] == "50030"


def test_deposit_funds_once_however_often_it_is_asked_for(sale: Sale) -> None:
    before = account.balance(sale.buyer.market)
    first = account.fund(sale.buyer.market, "10", "the-deposit")
    assert account.fund(sale.buyer.market, "10", "the-deposit") == first
    with refused(ErrorCode.DEPOSIT_USED):
        account.fund(sale.buyer.market, "11", "the-deposit")
    assert account.balance(sale.buyer.market) == before + 10


def test_nobody_funds_another_account(sale: Sale) -> None:
    with refused(ErrorCode.UNKNOWN_ACCOUNT):
        sale.buyer.http.post(f"/v1/accounts/{sale.seller.address}/fund", {"amount": "10", "reference": "theirs"})


def test_poor_buyer_is_refused_before_anything_is_ordered(sale: Sale) -> None:
    poor = sale.front.trader("stranger")
    height = len(sale.front.channel.blocks_made)
    with refused(ErrorCode.INSUFFICIENT_FUNDS):
        purchases.buy(poor.market, poor.vault, sale.listing)
    assert len(sale.front.channel.blocks_made) == height


def test_collection_links_to_its_next_page(sale: Sale) -> None:
    sale.pay()
    answer = sale.front.raw().get("/v1/listings", params={"state": "any", "limit": 1, "q": "astronaut"})
    assert len(answer.json()["items"]) == 1
    assert answer.json()["next"] is None
    assert "Link" not in answer.headers
    assert sale.front.raw().get("/v1/listings", params={"q": "giraffe", "state": "any"}).json()["items"] == []
    assert sale.front.raw().get("/v1/listings", params={"max_price": 5, "state": "any"}).json()["items"] == []


def test_transactions_of_other_gateways_are_known_from_the_blocks(sale: Sale) -> None:
    made = sale.front.world.market.mint(actor("buyer"), 5)
    answer = sale.front.raw().get(f"/v1/transactions/{made.partition('.')[0]}")
    assert json.loads(answer.content)["state"] == "committed"
    assert sale.front.raw().get("/v1/transactions/" + "0" * 64).status_code == 404
