"""Measure image/v1 on pictures that share most of their area, and print the table of docs/fingerprints.md.

python -m bench.fingerprint_families [FOLDER] [--members 60] [--seed 1]

The goods are the photographs of FOLDER, or drawn scenes.
"""

import argparse
import io
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from countermark.fingerprint import compare_many, compute
from countermark.fingerprint.evaluation.changes import encoded
from countermark.fingerprint.evaluation.edits import LIGHT_EDITS
from countermark.fingerprint.evaluation.families import FAMILIES, scene
from countermark.fingerprint.evaluation.measure import confusion
from countermark.fingerprint.evaluation.pairs import pairs_of

COPIED = 20
"""Of so many members copies are made."""


def _members(family: str, goods: list[Path], count: int, seed: int) -> list[Image.Image]:
    random = np.random.default_rng([seed, list(FAMILIES).index(family)])
    chosen = random.choice(len(goods), count, replace=False) if goods else range(count)
    pictures = (Image.open(goods[index]).convert("RGB") if goods else scene(random) for index in chosen)
    return [FAMILIES[family](picture, random) for picture in pictures]


def measure(goods: list[Path], count: int, seed: int, family: str) -> str:
    """Return the row of one family: pairs, matches, reviews, then match/review/different of copies by edit."""
    pictures = _members(family, goods, count, seed)
    prints = [compute(io.BytesIO(encoded(picture, "PNG"))) for picture in pictures]
    pairs = confusion(pairs_of(prints))
    random = np.random.default_rng(seed)
    cells = []
    for edit in LIGHT_EDITS.values():
        decisions = Counter(
            compare_many(original, [compute(io.BytesIO(edit(picture, random)))])[0].decision
            for original, picture in list(zip(prints, pictures, strict=True))[:COPIED]
        )
        cells.append("/".join(str(decisions[decision]) for decision in ("match", "review", "different")))
    return f"| `{family}` | {pairs.pairs} | {pairs.matching} | {pairs.reviewed} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--members", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = sorted(options.folder.iterdir()) if options.folder else []
    goods = [path for path in folder if path.suffix in (".jpg", ".png")]
    sys.stdout.write(f"| Family | pairs | match | review | {' | '.join(f'`{edit}`' for edit in LIGHT_EDITS)} |\n")
    sys.stdout.write(f"|---|---|---|---|{'---|' * len(LIGHT_EDITS)}\n")
    with ProcessPoolExecutor() as pool:
        for row in pool.map(partial(measure, goods, options.members, options.seed), FAMILIES):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
