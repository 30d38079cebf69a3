"""How many attacked copies the gate finds, and how many strangers it takes for copies."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from countermark.fingerprint.codec import Fingerprint
from countermark.fingerprint.evaluation.kinds.attack import Attack
from countermark.fingerprint.operations import compare_many, compute, index_of

__all__ = ["Found", "Strangers", "measure", "strangers"]


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the copies that one attack made: a copy is found if it matches its original."""

    copies: int
    matches: int
    reviews: int
    wrong: int
    """Copies that matched the original of another."""

    @property
    def recall(self) -> float:
        """Share of the copies that matched their original, 0 to 1."""
        return self.matches / self.copies


@dataclass(frozen=True, slots=True)
class Strangers:
    """What comparing unrelated data with each other said."""

    pairs: int
    matches: int
    reviews: int


def measure(
    originals: Sequence[bytes], attacks: Sequence[Attack], generator: str, *, others: Sequence[bytes], seed: int = 0
) -> Mapping[str, Found]:
    """Attack each of `originals`, search it as the gate does among all of them, and return what was found by attack.

    Args:
        originals: Files, no two of which have anything in common.
        attacks: What is done to them.
        generator: Id of the generator.
        others: Files that are not registered, to be mixed in.
        seed: Of the copies' random numbers.
    """
    registered = [_fingerprint(data, generator) for data in originals]
    index = index_of(generator)
    index.add(registered)
    found = {}
    for attack in attacks:
        outcomes = []
        for number, data in enumerate(originals):
            copy = attack.edit(data, Random(f"{seed} {attack.name} {number}"), others)  # noqa: S311 - copies, not secrets
            query = _fingerprint(copy, generator)
            candidates = list(index.candidates(query))
            compared = compare_many(query, [registered[one] for one in candidates])
            decisions = {one: result.decision for one, result in zip(candidates, compared, strict=True)}
            own = decisions.pop(number, "different")
            outcomes.append((own, "match" in decisions.values()))
        found[attack.name] = Found(
            copies=len(outcomes),
            matches=sum(own == "match" for own, _ in outcomes),
            reviews=sum(own == "review" for own, _ in outcomes),
            wrong=sum(wrong for _, wrong in outcomes),
        )
    return found


def strangers(files: Sequence[bytes], generator: str) -> Strangers:
    """Compare every two of `files`, which have nothing in common, and return how many are taken for copies."""
    made = [_fingerprint(data, generator) for data in files]
    decisions = [one.decision for at, query in enumerate(made) for one in compare_many(query, made[at + 1 :])]
    return Strangers(len(decisions), decisions.count("match"), decisions.count("review"))


def _fingerprint(data: bytes, generator: str) -> Fingerprint:
    return compute(io.BytesIO(data), generator)
