"""What a gateway that lies to its own trader gets from him: no payment, no notice, no key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countermark.client import disputes, purchases, searches
from countermark.protocol import ids
from countermark.protocol.commitments import commit, new_salt
from countermark.protocol.description import Description
from countermark.protocol.encoding import as_digest, b64u
from countermark.protocol.sealed import EncryptionKey
from tests.support.pictures import jpeg, photo
from tests.unit.client.conftest import Person, Sale, failing

Lie = Callable[[str, dict[str, Any]], dict[str, Any]]


def lying(person: Person, monkeypatch: pytest.MonkeyPatch, lie: Lie) -> None:
    get = person.trader.http.get
    monkeypatch.setattr(person.trader.http, "get", lambda path, params=None: lie(path, dict(get(path, params))))


def about_the_listing(sale: Sale, **lies: object) -> Lie:
    return lambda path, answer: {**answer, **lies} if path == f"/v1/listings/{sale.listing}" else answer


OTHER = as_digest(b"0" * 32)


# Before the payment


@pytest.mark.requirement("R33")
@pytest.mark.parametrize(
    "lie",
    [
        {"c_f": OTHER},
        {"c_exact": OTHER},
        {"generator": "image/paper-v0"},
        {"items": 2},
        {"seller": "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"},
        {"description": {"bytes": 1, "items": 1, "media_type": "image/jpeg"}},
        {"c_d": OTHER},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_a_contract_that_its_seller_has_not_signed_is_not_bought(
    sale: Sale, monkeypatch: pytest.MonkeyPatch, lie: dict[str, Any]
) -> None:
    lying(sale.buyer, monkeypatch, about_the_listing(sale, **lie))
    assert failing(sale.pay).code == "commitment_mismatch"
    assert sale.buyer.wire.writes() == []


@pytest.mark.requirement("R33")
def test_a_description_with_a_commitment_of_the_gateways_own_is_not_believed(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shown consistently: only the seller's signature tells."""
    words, salt = Description("image/jpeg", 1, 10, "Rare and old"), new_salt()
    lie = {"description": words.to_json(), "salt_d": b64u(salt), "c_d": commit("d", salt, words.to_bytes())}
    lying(sale.buyer, monkeypatch, about_the_listing(sale, **lie))
    assert failing(sale.pay).code == "commitment_mismatch"
    assert sale.buyer.wire.writes() == []


def test_another_contract_under_this_address_is_found_by_the_address(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registration that somebody did sign makes another address."""
    from countermark.client import listings

    path = sale.front.folder / "coffee.jpg"
    path.write_bytes(jpeg(photo("coffee").resize((256, 256))))
    who = sale.seller
    other = str(listings.create(who.market(), who.trader.vault, path, listings.Terms(5, {}), listings.Words()).entity)
    listings.charge(who.market(), other)
    sale.front.work()
    get = sale.buyer.trader.http.get
    monkeypatch.setattr(
        sale.buyer.trader.http,
        "get",
        lambda path, params=None: (
            {**get(path.replace(sale.listing, other), params), "address": sale.listing}
            if sale.listing in path
            else get(path, params)
        ),
    )
    assert failing(lambda: searches.show(sale.buyer.market(), sale.listing)).code == "commitment_mismatch"


@pytest.mark.requirement("R33")
def test_an_offer_that_was_raised_after_it_was_read_moves_no_coin(sale: Sale) -> None:
    from countermark.client import account, listings

    def raised_first(request: Any) -> None:
        if request.method == "POST":
            sale.buyer.wire.watch = lambda _: None
            listings.offer(sale.seller.market(), sale.listing, listings.Terms(20_000, {}))

    sale.buyer.wire.watch = raised_first
    assert failing(sale.pay).code == "stale_offer"
    assert account.balance(sale.buyer.market()) == 50_000
    assert sale.front.http().get(f"/v1/listings/{sale.listing}")["state"] == "LISTED"


def test_the_registration_is_read_from_the_ledger_and_public_once_listed(sale: Sale) -> None:
    answer = sale.front.raw().get(f"/v1/listings/{sale.listing}/registration")
    assert answer.status_code == 200
    assert set(answer.json()) == {"intent", "txid", "block"}
    unknown = sale.front.raw().get(f"/v1/listings/dc1{'a' * 52}/registration")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_listing")


# Between payment and delivery


@pytest.mark.parametrize("name", ["c_f", "c_exact", "seller", "listing"])
def test_what_was_promised_at_payment_cannot_be_changed_before_delivery(
    sale: Sale, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Or the buyer would call a forgery a match, or an honest seller's data a forgery."""
    trade = sale.sent()
    lies = {"c_f": OTHER, "c_exact": OTHER, "seller": sale.buyer.trader.address, "listing": "dc1" + "a" * 52}
    lying(
        sale.buyer,
        monkeypatch,
        lambda path, answer: {**answer, name: lies[name]} if path.startswith("/v1/trades/") else answer,
    )
    error = failing(lambda: sale.buyer.fetch(trade, tmp_path / "out"))
    assert (error.code, name in error.detail) == ("commitment_mismatch", True)
    assert not (tmp_path / "out").exists()


# In a dispute


def disputed(sale: Sale) -> str:
    trade = sale.sent()
    purchases.dispute(sale.buyer.market(), trade, "undecryptable")
    return trade


def open_key(sale: Sale, resource: dict[str, Any]) -> dict[str, Any]:
    """Open the buyer's key on the word of ``resource`` and return the sealed messages that left."""
    left: list[dict[str, Any]] = []
    post = sale.buyer.trader.http.post

    def record(path: str, body: dict[str, Any], **how: Any) -> Any:
        left.append(body)
        return post(path, body, **how)

    sale.buyer.trader.http.post = record  # type: ignore[method-assign]  # this client is the test's own
    disputes.open_key(sale.buyer.market(), sale.buyer.trader.vault, resource)
    return dict(left[0]["openings"])


def test_the_one_time_key_is_never_sealed_to_a_key_that_the_gateway_names(sale: Sale) -> None:
    trade = disputed(sale)
    spy = EncryptionKey.generate()
    shown = sale.buyer.trader.trade(trade)
    for judge in ("arbiter", "substitute"):
        shown[judge] = {**shown[judge], "encryption_key": {"version": 1, "key": spy.public}}
    openings = open_key(sale, shown)
    from countermark.protocol.errors import MarketError
    from countermark.protocol.sealed import open_sealed
    from tests.support.market import SUPERVISOR, actor

    name = sale.buyer.market().name
    for judge in ("arbiter", "substitute"):
        with pytest.raises(MarketError):
            open_sealed({1: spy}, openings[judge], kind=disputes.KIND, market=name)
        theirs = {1: actor(judge, SUPERVISOR).encryption}
        assert open_sealed(theirs, openings[judge], kind=disputes.KIND, market=name)


def test_an_arbiter_whom_the_market_did_not_have_at_payment_gets_nothing(sale: Sale) -> None:
    trade = disputed(sale)
    shown = sale.buyer.trader.trade(trade)
    shown["arbiter"] = {**shown["arbiter"], "account": sale.seller.trader.address}
    sale.buyer.wire.requests.clear()
    error = failing(lambda: disputes.open_key(sale.buyer.market(), sale.buyer.trader.vault, shown))
    assert error.code == "gateway_answer"
    assert sale.buyer.wire.writes() == []


def test_ids_derive_from_what_was_signed() -> None:
    """What the checks above stand on: another signer, commitment or nonce is another address."""
    parts = {"market": "m", "c_f": OTHER, "seller": "s", "nonce": "n"}
    made = {ids.listing_address(**{**parts, name: "other"}) for name in parts}
    assert len({ids.listing_address(**parts), *made}) == 5
