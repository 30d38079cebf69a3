"""Whose endorsements a transaction needs, and which organisations are asked for them."""

import pytest

from countermark.network.blocks import OutOf, Policy, ReadWriteSet, SignedBy, all_of, any_of
from countermark.network.blocks.rwsets import PrivateHashes, PrivateRead, PrivateWrite, Write
from countermark.network.embedded.choosing import choose
from countermark.network.identities import Role
from countermark.network.lifecycle.definition import (
    DefinitionError,
    market_definition,
    policy_from_json,
    policy_to_json,
)

ORGANISATIONS = ("P", "S", "T")
MARKET = market_definition("countermark", "1.0", ORGANISATIONS, platform="P", supervisor="S")
FINGERPRINTS = all_of(SignedBy("P"), SignedBy("S"))

WRITE = Write("countermark", "a", b"1", False)
WRITTEN = PrivateHashes("countermark", "fingerprints", (), (PrivateWrite(b"k", b"v", False, False),), b"h")
READ = PrivateHashes("countermark", "fingerprints", (PrivateRead(b"k", None),), (), b"")


@pytest.mark.parametrize(
    ("rwset", "policies"),
    [
        (ReadWriteSet(), [MARKET.policy]),
        (ReadWriteSet(writes=(WRITE,)), [MARKET.policy]),
        (ReadWriteSet(private_hashes=(READ,)), [MARKET.policy]),
        (ReadWriteSet(private_hashes=(WRITTEN,)), [FINGERPRINTS]),
        (ReadWriteSet(writes=(WRITE,), private_hashes=(WRITTEN,)), [FINGERPRINTS, MARKET.policy]),
    ],
)
def test_the_policies_are_those_of_what_is_written(rwset: ReadWriteSet, policies: list[Policy]) -> None:
    assert list(MARKET.policies(rwset)) == policies


@pytest.mark.parametrize(
    ("policies", "done", "away", "chosen"),
    [
        ([MARKET.policy], ["P"], set(), ("P", "S")),
        ([MARKET.policy], ["T"], set(), ("T", "S")),
        ([MARKET.policy], ["S"], set(), ("S", "P")),
        ([MARKET.policy], ["S"], {"P"}, ("S", "T")),
        ([MARKET.policy], ["P"], {"S"}, ("P", "S")),
        ([MARKET.policy], [], set(), ("P", "S")),
        ([MARKET.policy, FINGERPRINTS], ["T"], set(), ("T", "P", "S")),
        ([all_of(*map(SignedBy, ("P", "S", "T", "X")))], ["P"], set(), None),
    ],
)
def test_the_smallest_sufficient_set_is_asked(
    policies: list[Policy], done: list[str], away: set[str], chosen: tuple[str, ...] | None
) -> None:
    assert choose(policies, ORGANISATIONS, done=done, away=frozenset(away)) == chosen


@pytest.mark.parametrize("policy", [MARKET.policy, FINGERPRINTS, SignedBy("P"), any_of(SignedBy("P"), FINGERPRINTS)])
def test_policies_survive_the_settings_file(policy: Policy) -> None:
    assert policy_from_json(policy_to_json(policy)) == policy


@pytest.mark.parametrize("role", [Role.ADMIN, Role.CLIENT, None])
def test_a_policy_that_the_settings_file_cannot_say_is_not_weakened(role: Role | None) -> None:
    with pytest.raises(DefinitionError, match="malformed_policy"):
        policy_to_json(all_of(SignedBy("P"), SignedBy("S", role)))


@pytest.mark.parametrize(
    "document",
    [None, "", 1, [], {}, {"out_of": 0, "of": ["P"]}, {"out_of": 2, "of": ["P"]}, {"out_of": 1, "of": [{}]}],
)
def test_a_policy_that_nobody_or_anybody_satisfies_is_refused(document: object) -> None:
    with pytest.raises(DefinitionError, match="malformed_policy"):
        policy_from_json(document)


def test_every_single_organisation_is_too_few() -> None:
    for msp_id in ORGANISATIONS:
        assert choose([MARKET.policy], [msp_id]) is None
    assert isinstance(MARKET.policy, OutOf)
