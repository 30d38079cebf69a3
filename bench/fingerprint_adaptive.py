"""Measure how many photographs a pirate gets past the gate by edits that he chooses by their score; for the docs.

python -m bench.fingerprint_adaptive FOLDER [--steps 5] [--seed 0]
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from countermark.fingerprint.evaluation.adaptive import Step, adaptive_attack


def attacked(steps: int, seed: int, path: Path) -> Sequence[Step]:
    with Image.open(path) as opened:
        return adaptive_attack(opened.convert("RGB"), np.random.default_rng([seed, *path.name.encode()]), steps=steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    photos = sorted(path for path in options.folder.iterdir() if path.suffix in (".jpg", ".png"))
    with ProcessPoolExecutor() as pool:
        chains = list(pool.map(partial(attacked, options.steps, options.seed), photos))
    sys.stdout.write(
        "| Edits | refused | to review | accepted | the last edit of those that got past |\n|---|---|---|---|---|\n"
    )
    for count in range(1, options.steps + 1):
        # Who got past with fewer edits stops there: he stays where he is.
        decisions = Counter(chain[:count][-1].comparison.decision for chain in chains)
        chosen = Counter(
            chain[count - 1].edit
            for chain in chains
            if len(chain) >= count and chain[count - 1].comparison.decision != "match"
        )
        shares = (f"{100 * decisions[one] / len(chains):.1f} %" for one in ("match", "review", "different"))
        last = ", ".join(f"{edit} {number}" for edit, number in chosen.most_common(4))
        sys.stdout.write(f"| {count} | {' | '.join(shares)} | {last} |\n")


if __name__ == "__main__":
    main()
