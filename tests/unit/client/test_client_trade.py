"""A trade by the client against the real gateway: what an interruption at any point must not lose."""

import base64
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.client import account, deliveries, listings, purchases, searches, trades
from countermark.client.data import Choice, only
from countermark.client.examining import examine
from countermark.client.market import Market
from countermark.client.promises import Promise
from countermark.client.receiving import Received, judge
from countermark.protocol.commitments import commit, new_salt
from countermark.protocol.encoding import as_digest, b64u, unb64u
from countermark.protocol.errors import MarketError
from countermark.protocol.packages import PackageSalts, measure
from countermark.protocol.sealed import EncryptionKey, open_sealed
from tests.support.pictures import jpeg, photo
from tests.unit.client.conftest import Sale, failing, no_fault, posting

# Whom the seller encrypts to


@pytest.mark.requirement("R38", "R84")
@pytest.mark.parametrize("member", ["pk_t", "buyer"])
def test_a_gateway_that_shows_another_one_time_key_gets_no_package(sale: Sale, member: str) -> None:
    trade = sale.pay()
    deliveries.charge(sale.seller.market(), sale.seller.trader.trade(trade))
    shown = sale.seller.trader.trade(trade)
    forged = {"pk_t": EncryptionKey.generate().public, "buyer": sale.seller.trader.address}
    before = len(sale.seller.wire.writes())
    error = failing(lambda: sale.seller.send(trade, resource={**shown, member: forged[member]}))
    assert error.code == "commitment_mismatch"
    assert len(sale.seller.wire.writes()) == before


# What a listing sends


def sent_by_listing(sale: Sale, data: bytes, title: str = "Shapes") -> list[bytes]:
    """Offer `data` for sale and return the bodies of all requests that this took."""
    path = sale.front.folder / "another.jpg"
    path.write_bytes(data)
    bodies: list[bytes] = []
    sale.seller.wire.watch = lambda request: bodies.append(request.content)
    who, terms = sale.seller, listings.Terms(5, {})
    listings.create(who.market(), who.trader.vault, path, terms, listings.Words(title))
    sale.seller.wire.watch = lambda _: None
    return [body for body in bodies if body]


def picture(name: str, size: int) -> bytes:
    """A photograph with bytes behind its end, which a decoder does not look at: a file of any size."""
    data = jpeg(photo(name).resize((256, 256)))
    return data + os.urandom(size - len(data))


WINDOW = 32


def windows(data: bytes) -> set[bytes]:
    return {data[start : start + WINDOW] for start in range(len(data) - WINDOW + 1)}


def readings(text: bytes) -> Iterator[bytes]:
    """Yield `text`, and whatever in it can be read as base64 or base64url, wherever that begins."""
    yield text
    for run in re.findall(rb"[A-Za-z0-9+/_-]{40,}", text):
        for start in range(4):
            part = run[start:].translate(bytes.maketrans(b"-_", b"+/"))
            yield base64.b64decode(part[: len(part) // 4 * 4])


@pytest.mark.requirement("R21")
def test_a_listing_takes_the_data_nowhere(sale: Sale) -> None:
    data = picture("coffee", 1 << 20)
    (body,) = sent_by_listing(sale, data)
    platform = {1: sale.front.world.platform.encryption}
    market = sale.seller.market().name
    plain = open_sealed(platform, json.loads(body)["sealed"], kind="listing", market=market)
    assert set(json.loads(plain)) == {"intent", "opening", "items"}
    left = set().union(*(windows(reading) for text in (body, plain) for reading in readings(text)))
    assert not any(data[start : start + WINDOW] in left for start in range(len(data) - WINDOW + 1))
    # A piece that was sent would have been found.
    assert data[100:132] in windows(next(readings(b"x" + data[90:140])))
    assert any(data[100:132] in windows(one) for one in readings(base64.urlsafe_b64encode(data[90:140])))


@pytest.mark.requirement("R21")
def test_a_listing_of_more_data_sends_no_more(sale: Sale) -> None:
    small = sum(map(len, sent_by_listing(sale, picture("coffee", 1 << 20))))
    large = sum(map(len, sent_by_listing(sale, picture("rocket", 20 << 20))))
    # But for a digit of the size in the description.
    assert abs(large - small) <= 8


@pytest.mark.requirement("R23")
def test_the_fingerprint_leaves_sealed_to_the_platform_without_being_asked(sale: Sale) -> None:
    path = sale.front.folder / "another.jpg"
    (body,) = sent_by_listing(sale, picture("coffee", 100_000), title="Nobody shall read this")
    document = json.loads(body)
    assert set(document) == {"sealed"}
    config = sale.seller.market().config.platform.encryption_key
    assert document["sealed"]["key_version"] == config.version
    fingerprint = examine(path, only(["image/v1"])).items[0]
    for secret in (fingerprint, b64u(fingerprint).encode(), b"Nobody shall read this"):
        assert secret not in body
    keys = {config.version: sale.front.world.platform.encryption}
    plain = open_sealed(keys, document["sealed"], kind="listing", market=sale.seller.market().name)
    assert json.loads(plain)["items"] == [b64u(fingerprint)]
    with pytest.raises(MarketError):
        open_sealed(
            sale.seller.trader.keys.encryption, document["sealed"], kind="listing", market=sale.seller.market().name
        )


# What must be on the disk first


def test_the_one_time_key_is_stored_before_the_payment_leaves(sale: Sale) -> None:
    stored: list[list[str]] = []
    sale.buyer.wire.watch = lambda request: (
        stored.append(sale.buyer.trader.vault.names("trades")) if request.url.path == "/v1/trades" else None
    )
    assert [sale.pay()] == stored[0]


def test_the_salts_are_stored_before_the_listing_leaves(sale: Sale, tmp_path: Path) -> None:
    stored: list[list[str]] = []
    sale.seller.wire.watch = lambda _: stored.append(sale.seller.trader.vault.names("listings"))
    sale.seller.wire.silent = posting("/v1/listings")
    sale.seller.wire.lost = no_fault
    error = failing(
        lambda: listings.create(
            sale.seller.market(),
            sale.seller.trader.vault,
            sale.front.photograph,
            listings.Terms(5, {}),
            listings.Words(),
        )
    )
    assert error.code in ("outcome_unknown", "already_listed", "already_registered", "relist_existing")
    assert len(stored[-1]) == 2


def test_the_package_is_whole_before_it_is_committed_to(sale: Sale) -> None:
    trade = sale.funded()
    waiting: list[str] = []

    def look(request: httpx.Request) -> None:
        if request.url.path.endswith("/notices"):
            with deliveries.package_file(sale.seller.packages, trade).open("rb") as file:
                waiting.append(measure(file).root)

    sale.seller.wire.watch = look
    sale.seller.send(trade)
    assert waiting == [sale.buyer.trader.trade(trade)["package"]["root"]]


# Interruptions


def test_a_payment_whose_answer_is_lost_is_neither_failed_nor_without_its_key(sale: Sale) -> None:
    sale.buyer.wire.silent = posting("/v1/trades")
    assert failing(sale.pay).code == "outcome_unknown"
    sale.buyer.wire.silent = no_fault
    (mine,) = trades.mine(sale.buyer.market(), open_only=True)
    # However often it was sent, it was one payment.
    assert sale.buyer.trader.vault.names("trades") == [mine["id"]]
    record = sale.buyer.trader.vault.get("trades", mine["id"])
    assert record is not None
    assert EncryptionKey.from_bytes(unb64u(record["key"])).public == mine["pk_t"]
    assert account.balance(sale.buyer.market()) == 50_000 - 10_001 - int(sale.buyer.market().config.bond)


def test_a_payment_that_never_left_is_plainly_failed(sale: Sale) -> None:
    sale.buyer.wire.lost = posting("/v1/trades")
    assert failing(sale.pay).code == "gateway_unreachable"
    assert account.balance(sale.buyer.market()) == 50_000


def test_a_send_whose_answer_is_lost_goes_on_with_the_package_that_was_committed_to(sale: Sale) -> None:
    trade = sale.funded()
    before = sale.seller.trader.trade(trade)
    sale.seller.wire.silent = posting("/notices")
    assert failing(lambda: sale.seller.send(trade)).code == "outcome_unknown"
    package = deliveries.package_file(sale.seller.packages, trade).read_bytes()
    sale.seller.wire.silent = no_fault
    # Whoever still sees the state before sends the same again; another package would be lost for ever.
    done = sale.seller.send(trade, resource=before)
    assert done is not None
    assert done.resumed
    assert deliveries.package_file(sale.seller.packages, trade).read_bytes() == package
    assert sale.seller.send(trade) is None
    sale.front.work()
    assert sale.state(trade) == "SENT"


def test_a_package_waits_until_the_trade_has_ended(sale: Sale) -> None:
    trade = sale.funded()
    sale.seller.send(trade)
    package = deliveries.package_file(sale.seller.packages, trade)
    deliveries.sweep(sale.seller.market(), sale.seller.packages)
    assert package.exists()
    sale.front.work()
    deliveries.sweep(sale.seller.market(), sale.seller.packages)
    assert package.exists(), "whoever decides a dispute may have to get it here"
    purchases.confirm(sale.buyer.market(), trade)
    deliveries.sweep(sale.seller.market(), sale.seller.packages)
    assert not package.exists()


def test_an_upload_that_breaks_off_is_completed_by_the_next_send(sale: Sale) -> None:
    trade = sale.funded()
    sale.seller.wire.lost = posting("/package", "PUT")
    assert failing(lambda: sale.seller.send(trade)).code == "gateway_unreachable"
    sale.seller.wire.lost = no_fault
    assert sale.state(trade) == "UPLOADED"
    assert sale.seller.send(trade) is None
    sale.front.work()
    assert sale.state(trade) == "SENT"


def test_nothing_is_uploaded_that_was_not_committed_to(sale: Sale) -> None:
    trade = sale.funded()
    sale.seller.wire.lost = posting("/package", "PUT")
    failing(lambda: sale.seller.send(trade))
    package = deliveries.package_file(sale.seller.packages, trade)
    data = bytearray(package.read_bytes())
    data[-1] ^= 1
    package.write_bytes(data)
    assert failing(lambda: sale.seller.send(trade)).code == "package_root_mismatch"
    package.unlink()
    assert failing(lambda: sale.seller.send(trade)).code == "wrong_state"


def test_data_that_was_changed_or_moved_is_not_sent(sale: Sale, tmp_path: Path) -> None:
    trade = sale.funded()
    changed = tmp_path / "changed.jpg"
    changed.write_bytes(sale.front.photograph.read_bytes() + b" ")
    assert failing(lambda: sale.seller.send(trade, path=changed)).code == "commitment_mismatch"
    moved = sale.front.photograph.rename(tmp_path / "moved.jpg")
    assert failing(lambda: sale.seller.send(trade)).code == "refused_here"
    assert not sale.seller.packages.exists() or list(sale.seller.packages.iterdir()) == []
    assert sale.seller.send(trade, path=moved) is not None


def test_data_that_changes_while_it_is_sealed_is_not_sent(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    trade = sale.funded()
    examine = deliveries.examine

    def then_change(path: Path, choose: Choice, **how: Any) -> object:
        data = examine(path, choose, **how)
        altered = bytearray(path.read_bytes())
        altered[-1] ^= 1
        path.write_bytes(altered)
        return data

    monkeypatch.setattr(deliveries, "examine", then_change)
    assert failing(lambda: sale.seller.send(trade)).code == "commitment_mismatch"
    assert list(sale.seller.packages.iterdir()) == []


@pytest.mark.requirement("R37")
def test_a_package_that_was_tampered_with_leaves_no_plaintext(sale: Sale, tmp_path: Path) -> None:
    trade = sale.sent()
    (stored,) = [path for path in (tmp_path / "objects").rglob("*") if path.is_file() and path.stat().st_size > 4096]
    stored.chmod(0o600)
    data = bytearray(stored.read_bytes())
    data[-1] ^= 1
    stored.write_bytes(data)
    folder = tmp_path / "bought"
    folder.mkdir()
    error = failing(lambda: sale.buyer.fetch(trade, folder / "photo.jpg"))
    assert error.code in ("package_root_mismatch", "package_tampered")
    assert list(folder.iterdir()) == []


def test_a_download_that_breaks_off_goes_on_and_shows_nothing_before(sale: Sale, tmp_path: Path) -> None:
    trade = sale.sent()
    folder = tmp_path / "bought"
    folder.mkdir()
    sale.buyer.wire.lost = posting("/package", "GET")

    def fetch() -> Received:
        return sale.buyer.fetch(trade, folder / "photo.jpg")

    assert failing(fetch).code == "gateway_unreachable"
    assert not (folder / "photo.jpg").exists()
    sale.buyer.wire.lost = no_fault
    received = fetch()
    assert received.verdict == "match"
    assert [path.name for path in folder.iterdir()] == ["photo.jpg"]
    assert (folder / "photo.jpg").stat().st_mode & 0o777 == 0o600
    assert (folder / "photo.jpg").read_bytes() == sale.front.photograph.read_bytes()


def test_nothing_is_fetched_before_it_was_sent_or_without_its_key(sale: Sale, tmp_path: Path) -> None:
    trade = sale.funded()
    for person, code in ((sale.buyer, "wrong_state"), (sale.seller, "refused_here")):
        assert failing(partial(person.fetch, trade, tmp_path / "out")).code == code


# Asking first, and not waiting


def test_a_dry_run_sends_and_stores_nothing(sale: Sale, tmp_path: Path) -> None:
    trade = sale.funded()
    seller, buyer = sale.seller, sale.buyer
    for one in (seller, buyer):
        one.wire.requests.clear()
    vaults = sorted(path for path in tmp_path.rglob("*") if path.is_file() and "vault" in path.parts)
    dry, resource = seller.market(dry_run=True), seller.trader.trade(trade)
    acts: list[Callable[[Market], object]] = [
        lambda market: account.fund(market, "5", "x"),
        lambda market: account.transfer(market, buyer.trader.address, "5"),
        lambda market: listings.create(
            market, seller.trader.vault, sale.front.photograph, listings.Terms(5, {}), listings.Words()
        ),
        lambda market: listings.withdraw(market, sale.listing),
        lambda market: purchases.buy(market, seller.trader.vault, sale.listing),
        lambda market: deliveries.charge(market, resource),
        lambda market: deliveries.send(market, seller.trader.keys, seller.trader.vault, resource, seller.packages),
        lambda market: purchases.confirm(market, trade),
    ]
    for act in acts:
        act(dry)
    assert seller.wire.writes() == []
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file() and "vault" in path.parts) == vaults
    assert not seller.packages.exists() or list(seller.packages.iterdir()) == []


def test_a_payment_that_is_not_waited_for_tells_the_id_that_its_trade_will_have(sale: Sale) -> None:
    done = purchases.buy(sale.buyer.market(wait=False), sale.buyer.trader.vault, sale.listing)
    assert done.txid
    trade = str(done.result["id"])
    sale.front.finish(done.txid)
    assert sale.state(trade) == "PAID"


def test_no_more_is_paid_than_was_allowed(sale: Sale) -> None:
    limited = failing(
        lambda: purchases.buy(sale.buyer.market(), sale.buyer.trader.vault, sale.listing, max_price=10_000)
    )
    assert limited.code == "refused_here"
    assert sale.buyer.wire.writes() == []


# What the gateway says is checked


def _lying(sale: Sale, monkeypatch: pytest.MonkeyPatch, **lies: object) -> None:
    get = sale.buyer.trader.http.get

    def lie(path: str, params: object = None) -> object:
        resource = get(path, params)  # type: ignore[arg-type]  # whatever it was called with
        return {**resource, **lies} if sale.listing in path or "/v1/trades/" in path else resource

    monkeypatch.setattr(sale.buyer.trader.http, "get", lie)


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"description": {"bytes": 1, "items": 1, "media_type": "image/png"}}, "commitment_mismatch"),
        ({"description": None}, "commitment_mismatch"),
        ({"salt_d": "A" * 43}, "commitment_mismatch"),
        ({"c_d": as_digest(b"0" * 32)}, "commitment_mismatch"),
        ({"address": "dc1" + "a" * 52}, "gateway_answer"),
    ],
    ids=str,
)
def test_a_listing_that_is_not_what_its_seller_committed_to_is_not_shown(
    sale: Sale, monkeypatch: pytest.MonkeyPatch, lie: dict[str, object], code: str
) -> None:
    _lying(sale, monkeypatch, **lie)
    assert failing(lambda: searches.show(sale.buyer.market(), sale.listing)).code == code


@pytest.mark.parametrize("lie", [{"id": "../../x"}, {"id": "tr1" + "a" * 52}, {"state": "GONE"}], ids=str)
def test_a_trade_with_another_id_or_no_state_is_no_trade(
    sale: Sale, monkeypatch: pytest.MonkeyPatch, lie: dict[str, object]
) -> None:
    trade = sale.pay()
    _lying(sale, monkeypatch, **lie)
    assert failing(lambda: trades.show(sale.buyer.market(), trade)).code == "gateway_answer"


def test_a_receipt_that_is_not_the_platforms_is_no_receipt(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    trade = sale.funded()
    post = sale.seller.trader.http.post

    def forge(path: str, body: dict[str, object], **how: Any) -> Any:
        answer = post(path, body, **how)
        header, payload, signature = answer["receipt"].split(".")
        return {**answer, "receipt": ".".join([header, payload, signature[::-1]])}

    monkeypatch.setattr(sale.seller.trader.http, "post", forge)
    error = failing(lambda: sale.seller.send(trade))
    # The transaction runs on, and what was sent is kept: an honest gateway gives the receipt for it later.
    assert error.code == "outcome_unknown"
    assert "receipt" in error.detail
    assert error.txid
    assert sale.seller.trader.vault.names("receipts") == []


def test_a_receipt_is_kept_for_each_notice(sale: Sale) -> None:
    trade = sale.sent()
    assert sale.seller.trader.vault.names("receipts") == [f"{trade}-seller"]


@pytest.mark.requirement("R63")
@pytest.mark.requirement("A-18")
@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda data: data, "match"),
        (lambda data: data + b"\x00", "altered"),
        (lambda data: data[: len(data) // 8], "bad"),
        (lambda data: b"not an image at all", "bad"),
        (lambda data: b"\0\0\0\x14ftypavif\0\0\0\0avif", "bad"),
    ],
    ids=["the same", "other bytes, same picture", "a piece of it", "something else", "what no generator reads"],
)
def test_what_was_received_is_judged_by_bytes_and_fingerprint(
    sale: Sale, tmp_path: Path, change: Callable[[bytes], bytes], verdict: str
) -> None:
    data = deliveries.examine(sale.front.photograph, only(["image/v1"]))
    salts = PackageSalts(new_salt(), new_salt())
    promise = promised(commit("f", salts.salt_f, data.root), commit("exact", salts.salt_exact, data.exact))
    received = tmp_path / "received"
    received.write_bytes(change(sale.front.photograph.read_bytes()))
    assert judge(promise, received, salts)[0] == verdict


def promised(c_f: str = "", c_exact: str = "") -> Promise:
    return Promise(EncryptionKey.generate(), "", ("image/v1",), "", c_f, c_exact, {})


def test_a_file_that_this_machine_cannot_read_accuses_nobody(tmp_path: Path) -> None:
    salts = PackageSalts(new_salt(), new_salt())
    error = failing(lambda: judge(promised(), tmp_path / "gone", salts))
    assert error.code == "refused_here"


def test_a_file_whose_decoder_this_machine_lacks_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    received = tmp_path / "received"
    received.write_bytes(b"\0\0\0\x14ftypheic\0\0\0\0heic")
    error = failing(lambda: judge(promised(), received, PackageSalts(new_salt(), new_salt())))
    assert error.code == "decoder_missing"
    assert "countermark[heic]" in error.detail
