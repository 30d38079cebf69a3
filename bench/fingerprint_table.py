"""How many attacked copies of tables are found, how many strangers are confused, how quickly, in what memory.

python -m bench.fingerprint_table [ORIGINALS OF EACH FAMILY [FIRST SEED]]

The tables are made up (fingerprint/evaluation/kinds/made_tables.py). Strangers of one family have the same columns,
keys and distributions.
"""

import io
import resource
import sys
import tempfile
import time
from itertools import cycle, islice

import numpy as np

from countermark.fingerprint import Fingerprint, compare_many, compute
from countermark.fingerprint.evaluation.kinds.made_tables import FAMILIES, made_table
from countermark.fingerprint.evaluation.kinds.measure import measure, strangers
from countermark.fingerprint.evaluation.kinds.table import ATTACKS, COMBINED

GENERATOR = "table/v1"
OF_EACH_FAMILY, STRANGERS_OF_EACH, FIRST_SEED = 4, 16, 7000
FEWEST_ROWS, MOST_ROWS = 200, 3000
SPEED_ROWS, PORTION = 1_000_000, 50_000
COMPARED, COMPARED_ROWS = 50, 3000
TOGETHER = 8
"""Attacks between two lines of figures: what went before is seen where somebody stops it."""


def _table(family: str, seed: int) -> bytes:
    share = np.random.default_rng([seed, *family.encode()]).random()
    return made_table(family, seed, round(FEWEST_ROWS * (MOST_ROWS / FEWEST_ROWS) ** share))


def _figures(count: int, seed: int) -> None:
    originals = [_table(family, seed + number) for family in FAMILIES for number in range(count)]
    others = [_table(family, seed + 1000 + number) for family in FAMILIES for number in range(2)]
    print(f"{len(originals)} originals of {FEWEST_ROWS} to {MOST_ROWS} rows")
    attacks = ATTACKS + COMBINED
    for some in (attacks[start : start + TOGETHER] for start in range(0, len(attacks), TOGETHER)):
        figures = measure(originals, some, GENERATOR, others=others, seed=seed)
        for attack in some:
            found, held = figures[attack.name], "held back" if attack.held_back else "calibrated"
            print(f"| {attack.name} | {held} | {found.recall:.1%} | {found.reviews} | {found.wrong} |", flush=True)


def _strangers(seed: int) -> None:
    by_family = {
        family: [_table(family, seed + 2000 + number) for number in range(STRANGERS_OF_EACH)] for family in FAMILIES
    }
    for family, tables in by_family.items():
        print(f"strangers of the family {family}: {strangers(tables, GENERATOR)}", flush=True)
    print(f"all: {strangers([table for tables in by_family.values() for table in tables], GENERATOR)}", flush=True)


def _speed() -> None:
    random = np.random.default_rng(0)
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        for start in range(0, SPEED_ROWS, PORTION):
            numbers = [np.char.mod("%.4f", random.normal(size=PORTION)) for _ in range(12)]
            whole = [np.arange(start, start + PORTION).astype(str)]
            whole += [random.integers(0, 100, PORTION).astype(str) for _ in range(3)]
            words = [random.choice(["red", "green", "blue"], PORTION) for _ in range(2)]
            words += [np.char.add("user", random.integers(0, 10**7, PORTION).astype(str)) for _ in range(2)]
            file.write("".join(",".join(row) + "\n" for row in zip(*whole, *numbers, *words, strict=True)))
        file.flush()
        wall, processor = time.perf_counter(), time.process_time()
        size = len(compute(file.name, GENERATOR).to_bytes())
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{SPEED_ROWS} rows of 20 columns: {wall:.1f} s, {processor:.1f} s of a processor, at most {peak:.0f} MiB "
        f"with what Python itself takes; {size} bytes",
        flush=True,
    )


def _comparing(seed: int) -> None:
    made = {
        family: [_fingerprint(made_table(family, seed + 3000 + number, COMPARED_ROWS)) for number in range(11)]
        for family in FAMILIES
    }
    for family, (query, *references) in made.items():
        size = len(query.to_bytes())
        _timed(f"of the family {family}, {size} bytes each", query, list(islice(cycle(references), COMPARED)))
    (query, *_), *others = made.values()
    _timed("of other families", query, [one for family in others for one in family][:COMPARED])


def _timed(name: str, query: Fingerprint, references: list[Fingerprint]) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    compare_many(query, references)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{len(references)} comparisons {name}: {wall:.2f} s, {processor:.2f} s of a processor", flush=True)


def _fingerprint(data: bytes) -> Fingerprint:
    return compute(io.BytesIO(data), GENERATOR)


def main() -> None:
    count, seed = (*map(int, sys.argv[1:]), *(OF_EACH_FAMILY, FIRST_SEED)[len(sys.argv) - 1 :])
    _speed()
    _comparing(seed)
    _strangers(seed)
    _figures(count, seed)


if __name__ == "__main__":
    main()
