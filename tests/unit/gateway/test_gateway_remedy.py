"""/v1/trades/{id}/remedy: a second package in a dispute, in and out as the first, with a notice of its own."""

import pytest

from countermark.client import account, deliveries, disputes, purchases, receiving
from countermark.client.deliveries import REMEDY
from countermark.platform.store import tables
from countermark.protocol.errors import ErrorCode
from tests.support.front import MANAGEMENT_FEE, Trader
from tests.support.market import ARBITER_FEE, actor
from tests.unit.gateway.conftest import Sale, refused


def disputed(sale: Sale) -> str:
    """Return a trade whose arbiter is to decide."""
    trade = sale.pay()
    sale.send(trade)
    purchases.dispute(sale.buyer.market, trade, "undecryptable")
    disputes.open_key(sale.buyer.market, sale.buyer.vault, sale.buyer.trade(trade))
    return trade


def commit(sale: Sale, trade: str) -> None:
    seller = sale.seller
    shown = seller.trade(trade)
    deliveries.commit_package(seller.market, seller.keys, seller.vault, shown, seller.folder, delivery=REMEDY)


def upload(sale: Sale, trade: str) -> None:
    seller = sale.seller
    deliveries.upload_package(seller.market, seller.trade(trade), seller.folder, delivery=REMEDY)


def put(who: Trader, trade: str, data: bytes, *, start: int = 0, total: int = 1000) -> object:
    return who.http.put_range(f"/v1/trades/{trade}/remedy/package", data, start=start, total=total)


@pytest.mark.requirement("R39")
def test_a_remedy_goes_through_the_gateway_and_settles(sale: Sale) -> None:
    trade = disputed(sale)
    path = f"/v1/trades/{trade}/remedy/package"
    assert sale.seller.http.head(path)["Upload-Offset"] == "0"
    commit(sale, trade)
    with refused(ErrorCode.PACKAGE_NOT_RELEASED), sale.buyer.http.download(path):
        pass
    upload(sale, trade)
    with refused(ErrorCode.PACKAGE_NOT_RELEASED), sale.buyer.http.download(path):
        pass
    sale.front.work()
    resource = sale.buyer.trade(trade)
    assert resource["remedy"]["relayed_at"]
    size = resource["remedy"]["size"]
    head = sale.buyer.http.head(path)
    assert (head["Content-Length"], head["ETag"]) == (str(size), f'"{resource["remedy"]["root"]}"')
    assert sale.seller.http.head(path)["Upload-Offset"] == str(size)
    part = sale.buyer.http._send("GET", path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.headers["Content-Range"]) == (206, f"bytes 10-19/{size}")
    with sale.buyer.http.download(path, start=10) as pieces:
        assert b"".join(pieces)[:10] == part.content
    with refused(ErrorCode.WRONG_ACTOR), sale.seller.http.download(path):
        pass
    with refused(ErrorCode.UNKNOWN_TRADE), sale.front.trader("stranger").http.download(path):
        pass
    out, downloads = sale.buyer.folder / "remedied", sale.buyer.folder / "downloads"
    received = receiving.fetch(sale.buyer.market, sale.buyer.vault, resource, out, downloads, delivery=REMEDY)
    assert received.verdict == "match"
    assert out.read_bytes() == sale.front.photograph.read_bytes()
    purchases.accept(sale.buyer.market, trade)
    settled = sale.buyer.trade(trade)
    assert (settled["state"], settled["outcome"]) == ("SETTLED", "remedied")
    assert account.balance(sale.buyer.market) == 50_000 - 10_001 - ARBITER_FEE // 2
    assert account.balance(sale.seller.market) == 50_000 + 10_001 - 250 - MANAGEMENT_FEE - ARBITER_FEE // 2
    assert [entry["kind"] for entry in sale.seller.market.pages("/v1/board")] == ["seller_notice", "seller_notice"]


def test_the_same_remedy_again_has_the_same_answer_and_a_second_is_refused(sale: Sale) -> None:
    trade = disputed(sale)
    bodies: list[dict[str, object]] = []
    post = sale.seller.http.post

    def keeping(path: str, body: dict[str, object], **how: int) -> object:
        bodies.append(body)
        return post(path, body, **how)

    sale.seller.http.post = keeping  # type: ignore[assignment,method-assign]  # the same but for what it keeps
    commit(sale, trade)
    first = post(f"/v1/trades/{trade}/remedy", bodies[0], wait_s=5)
    assert first["transaction"]["state"] == "committed"
    assert post(f"/v1/trades/{trade}/remedy", bodies[0], wait_s=5) == first
    before = sale.front.world.rows(tables.board)
    deliveries.package_file(sale.seller.folder, trade, REMEDY).unlink()
    shown = {**sale.seller.trade(trade), "remedy": None}
    seller = sale.seller
    with refused(ErrorCode.WRONG_STATE) as caught:
        deliveries.commit_package(seller.market, seller.keys, seller.vault, shown, seller.folder, delivery=REMEDY)
    assert caught.value.extra is not None
    assert caught.value.extra["trade_state"] == "EVIDENCED"
    assert sale.front.world.rows(tables.board) == before


@pytest.mark.parametrize("state", ["FUNDED", "SENT", "DISPUTED"])
def test_a_remedy_that_no_dispute_waits_for_leaves_nothing(sale: Sale, state: str) -> None:
    trade = sale.pay()
    if state == "FUNDED":
        deliveries.charge(sale.seller.market, sale.seller.trade(trade))
    else:
        sale.send(trade)
    if state == "DISPUTED":
        purchases.dispute(sale.buyer.market, trade, "undecryptable")
    before = [sale.front.world.rows(table) for table in (tables.board, tables.packages, tables.outbox)]
    shown = {**sale.seller.trade(trade), "state": "EVIDENCED"}
    seller = sale.seller
    with refused(ErrorCode.WRONG_STATE) as caught:
        deliveries.commit_package(seller.market, seller.keys, seller.vault, shown, seller.folder, delivery=REMEDY)
    assert caught.value.extra is not None
    assert caught.value.extra["trade_state"] == state
    with refused(ErrorCode.WRONG_STATE):
        put(sale.seller, trade, b"x" * 1000)
    assert [sale.front.world.rows(table) for table in (tables.board, tables.packages, tables.outbox)] == before


@pytest.mark.parametrize(("who", "code"), [("buyer", "wrong_actor"), ("stranger", "unknown_trade")])
def test_only_the_seller_remedies(sale: Sale, who: str, code: str) -> None:
    trade = disputed(sale)
    trader = sale.buyer if who == "buyer" else sale.front.trader(who)
    # As somebody who claims to be the seller, and signs as such.
    shown = {**sale.seller.trade(trade), "seller": trader.address}
    folder, vault = sale.seller.folder, sale.seller.vault
    get = sale.seller.http.get
    trader.http.get = get  # type: ignore[method-assign]  # what a client asks first is not what is tested
    before = [sale.front.world.rows(table) for table in (tables.board, tables.packages)]
    with refused(ErrorCode(code)):
        deliveries.commit_package(trader.market, trader.keys, vault, shown, folder, delivery=REMEDY)
    with refused(ErrorCode(code)):
        put(trader, trade, b"x" * 1000)
    assert [sale.front.world.rows(table) for table in (tables.board, tables.packages)] == before


def test_other_bytes_than_the_committed_remedy_are_refused_and_told(sale: Sale) -> None:
    trade = disputed(sale)
    commit(sale, trade)
    package = deliveries.package_file(sale.seller.folder, trade, REMEDY).read_bytes()
    with refused(ErrorCode.PACKAGE_ROOT_MISMATCH):
        put(sale.seller, trade, package[:100], total=len(package) + 1)
    with refused(ErrorCode.PACKAGE_ROOT_MISMATCH):
        put(sale.seller, trade, package[:-1] + bytes([package[-1] ^ 1]), total=len(package))
    put(sale.seller, trade, package[:100], total=len(package))
    with refused(ErrorCode.UPLOAD_OFFSET) as caught:
        put(sale.seller, trade, package[200:300], start=200, total=len(package))
    assert caught.value.extra == {"received": 100}
    upload(sale, trade)
    sale.front.work()
    assert sale.buyer.trade(trade)["remedy"]["relayed_at"]


def test_the_first_package_is_downloaded_as_before(sale: Sale) -> None:
    trade = disputed(sale)

    def first() -> bytes:
        with sale.buyer.http.download(f"/v1/trades/{trade}/package") as pieces:
            return b"".join(pieces)

    before = first()
    commit(sale, trade)
    upload(sale, trade)
    sale.front.work()
    assert first() == before
    with sale.buyer.http.download(f"/v1/trades/{trade}/remedy/package") as pieces:
        assert b"".join(pieces) != before


def test_who_has_no_account_is_not_listened_to(sale: Sale) -> None:
    trade = disputed(sale)
    with refused(ErrorCode.UNKNOWN_TRADE):
        sale.front.http(actor("nobody at all")).put_range(
            f"/v1/trades/{trade}/remedy/package", b"x" * 1000, start=0, total=1000
        )
