"""`make conformance` computes fingerprints by two versions of each library, all of them pinned with their hashes."""

import re

import pytest

from bench.conformance.locks import COMBINATIONS, PACKAGES, locked

LOCKS = {name: locked(name) for name in COMBINATIONS}


def _versions(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==(\S+) \\$", lock, re.MULTILINE))


@pytest.mark.requirement("A-46")
@pytest.mark.parametrize("package", PACKAGES)
def test_each_library_is_there_in_two_versions_with_the_others_as_pinned(package: str) -> None:
    pinned, *others = (_versions(lock) for lock in LOCKS.values())
    alone = [one for one in others if one[package] != pinned[package] and {**one, package: pinned[package]} == pinned]
    assert alone


@pytest.mark.parametrize("name", COMBINATIONS)
def test_nothing_is_installed_but_what_a_lock_names_by_its_hashes(name: str) -> None:
    lines = [line for line in LOCKS[name].splitlines() if line]
    assert _versions(LOCKS[name]).keys() == set(PACKAGES)
    assert not [
        line for line in lines if not re.fullmatch(r"[\w-]+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)
    ]
