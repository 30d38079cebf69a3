import dataclasses
from typing import Any

import pytest

from countermark.protocol import canonical, commitments, merkle
from countermark.protocol.commitments import Opening
from countermark.protocol.description import Description
from countermark.protocol.errors import ErrorCode, MarketError

ITEMS = [b"fingerprint 1", b"fingerprint 2", b"fingerprint 3"]
OPENING = Opening(
    root=commitments.fingerprint_root(ITEMS),
    exact=bytes(range(32)),
    description=Description("image/jpeg", 3, 4096, title="Harbour"),
    salt_f=b"f" * 32,
    salt_d=b"d" * 32,
    salt_exact=b"e" * 32,
    items=3,
)


def test_commitments_are_frozen() -> None:
    """These bytes stand on ledgers: a change needs a new version of the rules."""
    assert commitments.commit("f", bytes(32), bytes(32)) == (
        "sha256:94e5849728d851941c22aedadf4387b4ca7d3c8ceb5a408a61e9fe851c312cb6"
    )
    assert commitments.exact_key(bytes(32), bytes(32)) == (
        "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"
    )


def test_a_commitment_binds_kind_salt_and_value() -> None:
    value = bytes(32)
    made = {
        commitments.commit("f", bytes(32), value),
        commitments.commit("exact", bytes(32), value),
        commitments.commit("d", bytes(32), value),
        commitments.commit("f", b"\1" * 32, value),
        commitments.commit("f", bytes(32), b"\1" * 32),
    }
    assert len(made) == 5


@pytest.mark.requirement("R34")
def test_the_same_data_registered_twice_shows_different_commitments() -> None:
    assert commitments.new_salt() != commitments.new_salt()
    other = dataclasses.replace(OPENING, salt_f=commitments.new_salt(), salt_exact=commitments.new_salt())
    assert other.commitments().c_f != OPENING.commitments().c_f
    assert other.commitments().c_exact != OPENING.commitments().c_exact


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_a_salt_has_32_bytes(salt: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commitments.commit("f", salt, b"")


def test_the_fingerprint_root_is_over_items_in_their_order() -> None:
    assert commitments.fingerprint_root(ITEMS) == merkle.root([merkle.leaf_hash(item) for item in ITEMS])
    assert commitments.fingerprint_root(ITEMS) != commitments.fingerprint_root(ITEMS[::-1])
    with pytest.raises(MarketError) as refusal:
        commitments.fingerprint_root([])
    assert refusal.value.code is ErrorCode.FINGERPRINT_MALFORMED


def test_the_exact_key_depends_on_the_pepper() -> None:
    digest = bytes(range(32))
    assert commitments.exact_key(b"p" * 32, digest) != commitments.exact_key(b"q" * 32, digest)
    with pytest.raises(ValueError, match="32 bytes"):
        commitments.exact_key(b"", digest)


def test_an_opening_comes_back_from_its_json() -> None:
    again = Opening.from_json(OPENING.to_json())
    assert again == OPENING
    assert again.commitments() == OPENING.commitments()
    again.check(OPENING.commitments())


@pytest.mark.requirement("R68")
@pytest.mark.parametrize(
    "change",
    [
        {"root": bytes(32)},
        {"exact": bytes(32)},
        {"description": Description("image/jpeg", 3, 4096, title="Harbor")},
        {"salt_f": bytes(32)},
        {"salt_d": bytes(32)},
        {"salt_exact": bytes(32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_no_other_opening_gives_the_commitments(change: dict[str, Any]) -> None:
    with pytest.raises(MarketError) as refusal:
        dataclasses.replace(OPENING, **change).check(OPENING.commitments())
    assert refusal.value.code is ErrorCode.COMMITMENT_MISMATCH


@pytest.mark.parametrize(
    "change",
    [{"items": 4}, {"items": 0}, {"root": "sha256:00"}, {"salt_f": "AAAA"}, {"salt_f": None}, {"extra": 1},
     {"description": []}],
    ids=repr,
)  # fmt: skip
def test_a_malformed_opening_is_refused(change: dict[str, Any]) -> None:
    document = canonical.loads(OPENING.to_json()) | change
    with pytest.raises(MarketError) as refusal:
        Opening.from_json(canonical.dumps(document))
    assert refusal.value.code in (ErrorCode.MALFORMED_REQUEST, ErrorCode.DESCRIPTION_MALFORMED)


@pytest.mark.requirement("R34")
def test_the_repr_shows_nothing_of_what_is_hidden() -> None:
    assert repr(OPENING) == "Opening(items=3)"
