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
from countermark.fingerprint.evaluation.errors import EvaluationError
from countermark.fingerprint.evaluation.plan import photographs


def attacked(steps: int, seed: int, path: Path) -> Sequence[Step]:
    with Image.open(path) as opened:
        return adaptive_attack(opened.convert("RGB"), np.random.default_rng([seed, *path.name.encode()]), steps=steps)


def accepted(chain: Sequence[Step]) -> bool:
    return chain[-1].comparison.decision == "different"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        photos = photographs(options.folder)
    except (EvaluationError, OSError) as error:
        parser.error(str(error))
    with ProcessPoolExecutor() as pool:
        chains = list(pool.map(partial(attacked, options.steps, options.seed), photos))
    sys.stdout.write(
        f"Of {len(photos)} photographs:\n\n"
        "| Edits | refused | to review | accepted | last edit of those accepted |\n|---|---|---|---|---|\n"
    )
    for count in range(1, options.steps + 1):
        # Who was accepted after fewer edits makes no more.
        decisions = Counter(chain[:count][-1].comparison.decision for chain in chains)
        chosen = Counter(chain[-1].edit for chain in chains if len(chain) == count and accepted(chain))
        shares = (f"{100 * decisions[one] / len(chains):.1f} %" for one in ("match", "review", "different"))
        last = ", ".join(f"{edit} {number}" for edit, number in chosen.most_common(4))
        sys.stdout.write(f"| {count} | {' | '.join(shares)} | {last} |\n")


if __name__ == "__main__":
    main()
