"""After a market day, whatever was kept, logged, ordered or answered holds no secret where it may not stand.

reliability.md, "secrets": every place is searched for every secret, in every spelling; what may stand somewhere is
listed in `rules`, and each of its lines must have been met, which shows that the search finds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.secrets import places, sought
from tests.secrets.needles import Needles
from tests.secrets.rules import PERMISSIONS, Permission
from tests.secrets.story import Story
from tests.support.figures import show

KINDS = {
    "the logs of every process": r"logs/",
    "answers that refuse": r"answer/.* [45]\d\d",
    "answers that give": r"answer/.* [23]\d\d",
    "metrics": r"answer/.*GET /metrics 200",
    "blocks": r"ledger/\w+/block \d+",
    "events": r"ledger/\w+/event of .*",
    "world state and history": r"ledger/\w+/state",
    "the private collection": r"ledger/\w+/private",
    "the peer's files": r"network/",
    "columns of the database": r"database/",
    "the database's files": r"postgres/",
    "the object store": r"objects/",
    "the gateway's folder": r"gateway/",
    "what webhooks' receivers are told": r"told/",
    "the homes of traders": r"home/",
    "the data folder": r"[a-z.-]+$|connection/",
}

LOGS = {
    "peer",
    "database",
    "gateway",
    "worker",
    "chaincode-platform",
    "chaincode-supervisor",
    "chaincode-trader",
    "up",
}


@dataclass
class Found:
    """What was searched, by place in bytes, and which secrets stand where."""

    secrets: int
    sizes: dict[str, int] = field(default_factory=dict)
    hits: dict[str, set[str]] = field(default_factory=dict)

    def of(self, kind: str) -> Mapping[str, set[str]]:
        """Return the places of one kind, with what stands there."""
        return {place: found for place, found in self.hits.items() if re.match(KINDS[kind], place)}


@pytest.fixture(scope="module")
def found(story: Story) -> Found:
    secrets = sought.everything(story)
    needles, result = Needles(secrets), Found(len(secrets))
    for place, content in places.everywhere(story):
        result.sizes[place] = result.sizes.get(place, 0) + len(content)
        result.hits[place] = result.hits.get(place, set()) | needles.find(content)
    return result


def forbidden(hits: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    return [
        (secret, place)
        for place, secrets in hits.items()
        for secret in sorted(secrets)
        if not any(one.permits(secret, place) for one in PERMISSIONS)
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_stands_where_it_may_not(found: Found, kind: str) -> None:
    places_of_it = found.of(kind)
    assert sum(found.sizes[place] for place in places_of_it) > 0
    assert forbidden(places_of_it) == []


def test_every_place_was_searched_and_nothing_forbidden_found(found: Found) -> None:
    assert not [place for place in found.hits if not any(re.match(kind, place) for kind in KINDS.values())]
    assert {
        place.removeprefix("logs/").removesuffix(".log") for place in found.of("the logs of every process")
    } == LOGS
    hits = len(forbidden(found.hits))
    megabytes = sum(found.sizes.values()) / 1e6
    show(f"secrets: {found.secrets} sought in {len(found.hits)} places, {megabytes:.0f} MB: {hits} hits")
    assert hits == 0


@pytest.mark.parametrize("permission", PERMISSIONS, ids=str)
def test_what_may_stand_somewhere_is_found_there(found: Found, permission: Permission) -> None:
    assert [place for place, secrets in found.hits.items() for one in secrets if permission.permits(one, place)]


def test_nothing_is_left_of_uploads_on_their_way(story: Story) -> None:
    assert list(story.data.spool.iterdir()) == []
