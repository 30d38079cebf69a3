"""Encryption keys that are rotated while a trade runs: nothing in it is sealed to them, but what arbiters get."""

from dataclasses import replace
from pathlib import Path

import pytest

from countermark.client.errors import ClientError
from countermark.protocol.decisions import Finding
from countermark.protocol.sealed import EncryptionKey
from tests.unit.client.conftest import Person, Sale
from tests.unit.client.test_client_deciding import Judge, arbiter, disputed

__all__ = ["arbiter"]


def rotate(person: Person, *, keep: bool) -> None:
    """Put another key in the place of the account's, here and on the ledger; the old one is kept, or lost."""
    who, key = person.trader, EncryptionKey.generate()
    params = {"encryption_key": {"version": 2, "key": key.public}}
    person.market().act(f"/v1/accounts/{who.address}/encryption-key", "account.rotate_encryption_key", params)
    who.keys = replace(who.keys, encryption={**(who.keys.encryption if keep else {}), 2: key})


def test_trade_goes_on_for_parties_who_have_lost_the_key_that_they_had_when_it_was_paid(
    sale: Sale, tmp_path: Path
) -> None:
    trade = sale.funded()
    for person in (sale.seller, sale.buyer):
        rotate(person, keep=False)
    sale.seller.send(trade)
    sale.front.work()
    assert sale.buyer.fetch(trade, tmp_path / "bought.jpg").verdict == "match"
    assert (tmp_path / "bought.jpg").read_bytes() == sale.front.photograph.read_bytes()


def test_arbiter_needs_the_key_that_the_market_had_when_the_trade_was_paid(sale: Sale, arbiter: Judge) -> None:
    trade = sale.sent()
    before = arbiter.person.trader.keys
    rotate(arbiter.person, keep=True)
    after = arbiter.person.trader.keys
    disputed(sale, trade)
    arbiter.person.trader.keys = replace(before, encryption={2: after.encryption[2]})
    with pytest.raises(ClientError, match="does not have the key"):
        arbiter.examine(trade)
    arbiter.person.trader.keys = after
    assert arbiter.decide(trade) is Finding.AS_REGISTERED
