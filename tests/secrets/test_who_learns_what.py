"""Each party learns what the published table says and no more: all that he gets is opened and searched."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from tests.secrets import public, sought
from tests.secrets.knowledge import HOLDERS
from tests.secrets.needles import Needles
from tests.secrets.story import Story
from tests.secrets.who_learns_what import PARTIES, TABLE, Cell
from tests.support.figures import show

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
CELLS = [(datum, party) for datum in TABLE for party in PARTIES]
Knowledge = Callable[[str], set[str]]


@pytest.fixture(scope="module")
def knowledge(story: Story) -> Knowledge:
    """Return what finds the names of all that a holder has learnt."""
    needles = Needles({**sought.everything(story), **public.everything(story)})

    @lru_cache
    def learnt(holder: str) -> set[str]:
        return {name for content in HOLDERS[holder](story) for name in needles.find(content)}

    return learnt


def cell(datum: str, party: str) -> Cell:
    return TABLE[datum][PARTIES.index(party)]


@pytest.mark.timeout(900)
@pytest.mark.requirement("R83", "A-22")
@pytest.mark.parametrize(("datum", "party"), CELLS)
def test_a_party_learns_what_the_table_says_and_no_more(knowledge: Knowledge, datum: str, party: str) -> None:
    checks = cell(datum, party).checks
    assert checks
    for check in checks:
        learnt = knowledge(check.holder)
        assert set(check.learns) - learnt == set(), f"{check.holder} should learn it"
        assert set(check.never) & learnt == set(), f"{check.holder} should not learn it"


@pytest.mark.requirement("R84", "A-22")
def test_the_buyer_who_paid_learns_the_data_and_nobody_else_does(knowledge: Knowledge) -> None:
    data = {f"data of {name}" for name in ("sold", "altered", "disputed")}
    assert data <= knowledge("buyer")
    assert "data of pending" not in knowledge("buyer")
    everybody_else = HOLDERS.keys() - {"buyer", "arbiter"}
    assert not [holder for holder in everybody_else if any(name.startswith("data of") for name in knowledge(holder))]


@pytest.mark.requirement("R83")
def test_nobody_but_its_holder_learns_a_private_key(knowledge: Knowledge, story: Story) -> None:
    private = re.compile(r"(account key|encryption keys|vault key) of \w+|one-time keys|passphrase of .*|name of .*")
    looked_for = [name for name in sought.everything(story) if private.fullmatch(name)]
    assert len(looked_for) > 20
    assert not {name for holder in HOLDERS for name in knowledge(holder)} & set(looked_for)


def test_the_published_table_is_the_one_that_is_tested() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[text.strip() for text in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    first = rows.index(["Datum", *PARTIES]) + 1
    assert rows[first : first + len(TABLE)] == [
        [datum, *(one.says for one in cells)] for datum, cells in TABLE.items()
    ]


def test_what_nothing_can_show_yet_is_said() -> None:
    missing = {one.missing for cells in TABLE.values() for one in cells} - {""}
    show(f"who learns what: {len(CELLS)} cells tested; not built yet: {'; '.join(sorted(missing))}")
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert not [one for one in missing if one not in page]
