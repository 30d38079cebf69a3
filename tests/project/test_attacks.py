"""docs/attacks.toml names tests that are there, and run everywhere, and guards that are there."""

import re

import pytest

from docs.generators import attacks
from docs.generators.attacks import ATTACKERS, FOLDER, Attack
from docs.generators.markers import all_tests
from tests.mutants.test_attacks import SWITCHED_OFF
from tests.support.mutants import source_of
from tests.support.pages import ROOT

ROWS = attacks.load_attacks(ROOT)
TESTS = all_tests(ROOT)

of_each = pytest.mark.parametrize("attack", ROWS, ids=lambda attack: attack.title)


def test_every_attack_stands_there_once_and_by_somebody() -> None:
    titles = [attack.title for attack in ROWS]
    assert len(titles) == len(set(titles))
    assert {attack.by for attack in ROWS} == set(ATTACKERS)


@of_each
def test_attack_has_one_test_of_its_name_that_runs_everywhere(attack: Attack) -> None:
    (node,) = attacks.nodes_named(TESTS, attack.test)
    assert re.sub(r"\W+", "_", attack.name.replace("'", "")) in attack.test
    assert TESTS[node].everywhere
    assert not TESTS[node].not_run


@of_each
def test_other_tests_of_an_attack_are_there(attack: Attack) -> None:
    assert not [node for node in attack.more if f"tests/{node}" not in TESTS]
    assert not [node for node in attack.more if TESTS[f"tests/{node}"].not_run]


@of_each
def test_guard_of_an_attack_is_there(attack: Attack) -> None:
    path, _, symbol = attack.guard.partition("::")
    assert source_of((ROOT / path).read_text(), symbol)


def test_every_attack_is_played_without_its_guard_too() -> None:
    assert list(SWITCHED_OFF) == [attack.title for attack in ROWS]


def test_tests_that_are_named_after_an_attacker_stand_on_the_page() -> None:
    """A test of an attack that the page does not know would not be found by its readers."""
    named = re.compile(rf"{FOLDER}/.*::test_(?:{'|'.join(ATTACKERS)})_")
    known = {attack.test for attack in ROWS} | {node.rpartition("::")[2] for attack in ROWS for node in attack.more}
    assert not [node for node in TESTS if named.match(node) and node.rpartition("::")[2] not in known]
