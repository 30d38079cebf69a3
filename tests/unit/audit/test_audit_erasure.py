"""What endorsers who conspire might make of an erasure, or of a legal hold that is in their way."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from countermark.audit.acts import Act, Fate, PrivateChange
from countermark.audit.conduct import judge
from countermark.audit.errors import AuditError
from countermark.audit.records import State
from countermark.network.blocks import PrivateWrite
from countermark.protocol import canonical
from tests.support.backends import InMemory
from tests.support.market import PLATFORM, TRADER, Market, actor

ERASED, OTHER = b"a", b"b"


class Remembering(InMemory):
    """A ledger in memory that keeps the last act and the state before it."""

    def audited(self, act: Act, state: State) -> None:
        self.last = (act, state)


@cache
def told() -> tuple[Act, State, str, str]:
    """An erasure by the seller, the state before it, his contract, and another one of his."""
    backend = Remembering()
    market = Market(backend)
    addresses = [market.list_data(data=data)["id"] for data in (ERASED, OTHER)]
    for address in addresses:
        market.ask(market.seller, "listing.withdraw", {"listing": address})
    market.ask(market.seller, "listing.erase", {"listing": addresses[0]}, msp=PLATFORM)
    return *backend.last, *addresses


def change(key: str, fate: Fate = Fate.PURGED, collection: str = "fingerprints") -> PrivateChange:
    return PrivateChange(collection, hashlib.sha256(key.encode()).digest(), fate)


def changed(before: State, address: str, **members: Any) -> State:
    key = f"listing/{address}"
    return {**before, key: canonical.dumps({**canonical.loads(before[key]), **members})}


def refused(act: Act, state: State) -> str:
    with pytest.raises(AuditError) as refusal:
        judge(act, state)
    return refusal.value.code


def test_an_erasure_of_the_contracts_passes() -> None:
    act, state, address, _ = told()
    judge(act, state)
    assert act.private == {change(f"opening/{address}")}


PURGES: dict[str, tuple[Callable[[str, str], set[PrivateChange]], str]] = {
    "none": (lambda own, other: set(), "missing_write"),
    "a deletion, which leaves what was there before": (
        lambda own, other: {change(own, Fate.DELETED)},
        "foreign_write",
    ),
    "another value in its place": (lambda own, other: {change(own, Fate.PUT)}, "foreign_write"),
    "another contract's opening": (lambda own, other: {change(other)}, "foreign_write"),
    "another contract's opening besides": (lambda own, other: {change(own), change(other)}, "foreign_write"),
    "the market's pepper besides": (lambda own, other: {change(own), change("pepper/1")}, "foreign_write"),
    "that of another collection": (lambda own, other: {change(own, collection="another")}, "foreign_write"),
}


@pytest.mark.parametrize("purge", PURGES)
def test_an_erasure_that_purges_otherwise_is_refused(purge: str) -> None:
    act, state, address, other = told()
    make, code = PURGES[purge]
    private = frozenset(make(f"opening/{address}", f"opening/{other}"))
    assert refused(replace(act, private=private), state) == code


def test_an_opening_is_registered_and_not_deleted_or_purged_by_a_registration() -> None:
    backend = Remembering()
    address = Market(backend).list_data()["id"]
    act, state = backend.last
    assert act.private == {change(f"opening/{address}", Fate.PUT)}
    for fate in (Fate.DELETED, Fate.PURGED):
        assert (
            refused(replace(act, private=frozenset({change(f"opening/{address}", fate)})), state) == "foreign_write"
        )


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"held": True}, "wrong_state"),
        ({"claim": "cl1" + "a" * 52, "claimed": True}, "wrong_state"),
        ({"erased": True}, "wrong_state"),
        ({"state": "LISTED"}, "wrong_state"),
        ({"state": "RESERVED"}, "wrong_state"),
        ({"state": "PENDING_FEE"}, "wrong_state"),
        ({"owner": actor("buyer").address}, "wrong_actor"),
    ],
    ids=str,
)
def test_an_erasure_that_may_not_be_is_refused_whoever_endorsed_it(members: dict[str, Any], code: str) -> None:
    act, state, address, _ = told()
    before = changed(state, address, **members)
    key = f"listing/{address}"
    record = canonical.dumps({**canonical.loads(before[key]), "erased": True})
    assert refused(replace(act, writes={**act.writes, key: record}), before) == code


def test_an_erasure_by_a_client_that_may_not_write_to_the_collection_is_refused() -> None:
    act, state, _, _ = told()
    assert refused(replace(act, msp_id=TRADER), state) == "wrong_actor"


def test_what_was_erased_is_not_put_on_the_market_again() -> None:
    backend = Remembering()
    market = Market(backend)
    address = market.list_data()["id"]
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    offer = {"listing": address, "offer": canonical.loads(backend.ledger.state[f"listing/{address}"])["offer"]}
    del offer["offer"]["version"]
    market.ask(market.seller, "listing.relist", offer)
    act, state = backend.last
    key = f"listing/{address}"
    record = canonical.dumps({**act.records[key], "erased": True})
    assert refused(replace(act, writes={**act.writes, key: record}), changed(state, address, erased=True)) == (
        "wrong_state"
    )


def test_the_bytes_of_an_erased_contract_go_to_nobody_but_its_owner() -> None:
    backend = Remembering()
    market = Market(backend)
    address = market.list_data()["id"]
    market.ask(market.seller, "listing.withdraw", {"listing": address})
    market.ask(market.seller, "listing.erase", {"listing": address}, msp=PLATFORM)
    market.list_data()
    act, state = backend.last
    judge(act, state)
    for members in ({"owner": market.stranger.address}, {"state": "PARTITIONED"}, {"erased": False}):
        assert refused(act, changed(state, address, **members)) == "wrong_state"


@pytest.mark.parametrize(
    ("purged", "deleted", "fate"),
    [(True, True, Fate.PURGED), (True, False, Fate.PURGED), (False, True, Fate.DELETED), (False, False, Fate.PUT)],
)
def test_a_purge_is_read_as_one_however_it_is_written(purged: bool, deleted: bool, fate: Fate) -> None:
    assert Fate.of(PrivateWrite(b"key", b"", deleted, purged)) is fate
