"""After an erasure nobody who kept description and fingerprints has them any more, whatever keys he opens with."""

from collections.abc import Callable

import pytest

from tests.secrets import places, sought
from tests.secrets.knowledge import Known, kept_by_platform, member_gateway, supervisor
from tests.secrets.needles import Needles
from tests.secrets.rules import ERASED, PENDING, WORDS
from tests.secrets.story import Story

OF_A_CONTRACT = ("fingerprint", "root", "exact digest", "salt_f", "salt_exact", "salt_d", *WORDS)
KEEPERS = {"platform": kept_by_platform, "supervisor": supervisor, "member's gateway": member_gateway}


def names(contract: str) -> set[str]:
    return {f"{what} of {contract}" for what in OF_A_CONTRACT}


@pytest.fixture(scope="module")
def needles(story: Story) -> Needles:
    secrets = sought.everything(story)
    return Needles({name: secrets[name] for name in names(ERASED) | names(PENDING)})


@pytest.mark.timeout(900)
@pytest.mark.requirement("R15")
@pytest.mark.parametrize("keeper", KEEPERS)
def test_nobody_keeps_anything_of_what_was_erased(story: Story, needles: Needles, keeper: str) -> None:
    keeps: Callable[[Story], Known] = KEEPERS[keeper]
    found = {name for content in keeps(story) for name in needles.find(content)}
    assert found & names(ERASED) == set()
    # The search is one that finds: of a contract that is as private, and not erased, they have all that there is.
    assert found & names(PENDING) == (set() if keeper == "member's gateway" else names(PENDING))


@pytest.mark.parametrize("organisation", ["platform", "supervisor"])
def test_neither_peer_has_the_opening(story: Story, organisation: str) -> None:
    key = story.data.role_keys("supervisor").current_encryption[1]
    assert places.opening(story, organisation, story.goods[PENDING].listing, key)
    assert places.opening(story, organisation, story.goods[ERASED].listing, key) is None
