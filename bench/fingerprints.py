"""Measure a fingerprint generator on a folder of photographs and print the tables of docs/fingerprints.md.

python -m bench.fingerprints FOLDER [--generator image/v1] [--every 2] [--copies 2]
"""

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from countermark.fingerprint import Comparison, Fingerprint, compute
from countermark.fingerprint.evaluation.edits import EDITS, PAPER_STRENGTHS
from countermark.fingerprint.evaluation.measure import confusion, edited_comparisons, paper_copies, rate, retrieval


def _fingerprint(generator: str, photo: Path) -> Fingerprint:
    return compute(photo, generator)


def _edited(generator: str, task: tuple[int, Path]) -> dict[str, Comparison]:
    return edited_comparisons(task[1], generator, EDITS, task[0])


def _copies(generator: str, strength: str, copies: int, task: tuple[int, Path]) -> list[Fingerprint]:
    return paper_copies(task[1], generator, strength, copies, task[0])


def _print(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--generator", default="image/v1")
    parser.add_argument("--every", type=int, default=1, help="edit every n-th photograph only")
    parser.add_argument("--copies", type=int, default=2, help="copies of each photograph in the paper's experiment")
    options = parser.parse_args()
    photos = sorted(path for path in options.folder.iterdir() if path.suffix in (".jpg", ".png"))
    some = list(enumerate(photos))[:: options.every]
    with ProcessPoolExecutor() as pool:
        originals = list(pool.map(partial(_fingerprint, options.generator), photos, chunksize=16))
        different = confusion(originals)
        _print([repr(different), "", "| Edit | copies | match | review | lowest score |", "|---|---|---|---|---|"])
        outcomes = list(pool.map(partial(_edited, options.generator), some, chunksize=4))
        for edit in EDITS:
            r = rate(outcome[edit] for outcome in outcomes)
            matches, reviews = r.matches / r.copies, r.reviews / r.copies
            _print([f"| {edit} | {r.copies} | {matches:.1%} | {reviews:.1%} | {r.lowest:.3f} |"])
        _print(["", "| Strength | copies | precision | recall | precision at recall 95 % |", "|---|---|---|---|---|"])
        for strength in PAPER_STRENGTHS:
            make = partial(_copies, options.generator, strength, options.copies)
            found = retrieval([originals[i] for i, _ in some], list(pool.map(make, some, chunksize=4)))
            _print(
                [
                    f"| {strength} | {found.copies} | {found.precision:.2%} | {found.recall:.2%}"
                    f" | {found.precision_at_95:.2%} |"
                ]
            )


if __name__ == "__main__":
    main()
