"""Measure bytes/v1: what it finds of attacked files, what it takes for copies among strangers, and how fast.

python -m bench.fingerprint_bytes
"""

import io
import sys
import time
from collections.abc import Sequence

import numpy as np

from countermark.fingerprint import compare_many, compute, index_of
from countermark.fingerprint.evaluation.kinds.binary import ATTACKS
from countermark.fingerprint.evaluation.kinds.made_files import made_files
from countermark.fingerprint.evaluation.kinds.measure import measure, strangers

ORIGINALS = 130
OTHERS = 26
STRANGERS = 455
GENERATOR = "bytes/v1"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def recall(count: int = ORIGINALS) -> None:
    """Print what is found by attack."""
    originals, others = made_files(count, seed=1), made_files(OTHERS, seed=2)
    found = measure(originals, ATTACKS, GENERATOR, others=others)
    _say("| Attack | parameters | found, % | to review, % | wrong |\n|---|---|---|---|---|")
    for attack in ATTACKS:
        one = found[attack.name]
        kept = "held back" if attack.held_back else "calibrated"
        review = 100 * one.reviews / one.copies
        _say(f"| {attack.name} | {kept} | {100 * one.recall:.1f} | {review:.1f} | {one.wrong} |")


def false_matches(count: int = STRANGERS) -> None:
    """Print how many strangers are taken for copies."""
    outcome = strangers(made_files(count, seed=3, least=1_000), GENERATOR)
    _say(f"{outcome.pairs} pairs of strangers: {outcome.matches} matches, {outcome.reviews} to review")


def _seconds(data: bytes) -> float:
    start = time.perf_counter()
    compute(io.BytesIO(data), GENERATOR)
    return time.perf_counter() - start


def speed(sizes: Sequence[int] = (1, 16, 256)) -> None:
    """Print how fast fingerprints are made and compared."""
    data = np.random.default_rng(4).bytes(max(*sizes, 50) << 20)
    _seconds(data[: 1 << 20])  # loads what it takes
    for size in sizes:
        _say(f"{size} MiB: {size / _seconds(data[: size << 20]):.0f} MiB/s")
    made = [compute(io.BytesIO(data[at << 20 : (at + 1) << 20]), GENERATOR) for at in range(50)]
    start = time.perf_counter()
    compare_many(made[0], made)
    _say(f"compared with 50: {1000 * (time.perf_counter() - start):.1f} ms")
    index = index_of(GENERATOR)
    index.add(made)
    start = time.perf_counter()
    index.candidates(made[0])
    _say(f"looked up: {1000 * (time.perf_counter() - start):.1f} ms")


def main() -> None:
    recall()
    false_matches()
    speed()


if __name__ == "__main__":
    main()
