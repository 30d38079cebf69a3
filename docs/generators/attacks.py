"""docs/attacks.md: what people wrote in attacks.toml, with the tests of each attack and the guard that they miss."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.generators.markers import all_tests

SOURCE = "docs/attacks.toml"
FOLDER = "tests/attack"

ATTACKERS = {
    "seller": "Sellers",
    "buyer": "Buyers",
    "platform": "The platform, as an insider",
    "organisation": "Organisations of the consortium",
    "gateway": "Gateways",
    "outsider": "Outsiders",
}
"""Who attacks, with the heading of his chapter."""


@dataclass(frozen=True)
class Attack:
    """One row of the page.

    Attributes:
        by: One of `ATTACKERS`.
        name: What he does.
        answer: What stops it, or exposes it, and how it ends.
        test: Name of its test in `FOLDER`.
        guard: ``path::symbol`` of the code without which that test fails.
        more: Other tests of it, below ``tests/``.
    """

    by: str
    name: str
    answer: str
    test: str
    guard: str
    more: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Attacker and attack."""
        return f"{self.by}: {self.name}"


def load_attacks(root: Path) -> tuple[Attack, ...]:
    """Return the attacks of attacks.toml, in order."""
    rows = tomllib.loads((root / SOURCE).read_text(encoding="utf-8"))["attack"]
    return tuple(Attack(**{**row, "more": tuple(row.get("more", ()))}) for row in rows)


def nodes_named(nodes: Iterable[str], name: str) -> list[str]:
    """Return those of the node ids that are of a test ``name`` in `FOLDER`."""
    return [node for node in nodes if node.startswith(f"{FOLDER}/") and node.rpartition("::")[2] == name]


def page(root: Path) -> str:
    """Return the page.

    Raises:
        ValueError: an attack has no test of that name, or several.
    """
    return "".join(f"{line}\n" for line in _lines(load_attacks(root), all_tests(root)))


def _lines(attacks: tuple[Attack, ...], nodes: Iterable[str]) -> Iterator[str]:
    yield "# Attacks that are played"
    yield ""
    yield "<!-- Made by `make docs` from docs/attacks.toml. Change that. -->"
    yield ""
    yield f"{len(attacks)} attacks, each played by a test that is named after it in `{FOLDER}/`, on the embedded peer"
    yield "or on the ledger in memory, whichever shows it. Where its guard is taken out of the code that test fails:"
    yield "`tests/mutants/test_attacks.py` does so. Other tests of the same attack stand below it. What each"
    yield "adversary can do all the same says [Security and privacy](security.md)."
    for by, heading in ATTACKERS.items():
        yield ""
        yield f"## {heading}"
        yield ""
        yield "| Attack | What stops or exposes it | Guard | Tests |"
        yield "|---|---|---|---|"
        for attack in attacks:
            if attack.by == by:
                (node,) = nodes_named(nodes, attack.test)
                tests = "<br>".join(f"`{test}`" for test in (node.removeprefix("tests/"), *attack.more))
                yield f"| {attack.name} | {attack.answer} | `{attack.guard}` | {tests} |"
