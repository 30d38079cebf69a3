"""The experiment by one method: its parts, each with the plan's photographs, copies and seed."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic

from countermark.fingerprint.evaluation import protocol
from countermark.fingerprint.evaluation.cache import Cache
from countermark.fingerprint.evaluation.edits import Strength
from countermark.fingerprint.evaluation.methods import Kept
from countermark.fingerprint.evaluation.plan import Plan, Progress
from countermark.fingerprint.evaluation.scores import Scores

__all__ = ["Experiment"]


@dataclass(frozen=True, slots=True)
class Experiment(Generic[Kept]):
    """How `plan` is carried out by the method of `cache`: copies are made in `pool`, searched by `processes`."""

    plan: Plan
    cache: Cache[Kept]
    pool: Executor
    processes: int
    progress: Progress

    def originals(self) -> list[Kept]:
        """Return what is kept of each photograph.

        Raises:
            EvaluationError: The method does not take one.
            OSError: One cannot be read, or the cache cannot be written.
        """
        return protocol.originals_of(self.pool, self.cache, self.plan.photos, self.progress("photographs"))

    def search(self, name: str, strength: Strength, originals: Sequence[Kept], copies: int) -> dict[str, Scores]:
        """Return how `originals` find `copies` copies of each at `strength`, which is called `name`.

        Raises:
            OSError: As `originals`.
        """
        made = protocol.copies_of(
            *(self.pool, self.cache, self.plan.photos, strength),
            copies=copies,
            seed=self.plan.seed,
            tell=self.progress(f"copies, {name}"),
        )
        return protocol.find_copies(
            *(self.cache.method, originals, made), processes=self.processes, tell=self.progress(f"search, {name}")
        )

    def attacked(self) -> list[list[Kept]]:
        """Return what is kept of each photograph after each hard attack.

        Raises:
            OSError: As `originals`.
        """
        return protocol.attacked_of(
            *(self.pool, self.cache, self.plan.photos, list(self.plan.attacks.hard.values())),
            seed=self.plan.seed,
            tell=self.progress("hard attacks"),
        )
