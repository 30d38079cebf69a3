"""How many attacked copies of texts are found, how many strangers are taken for copies, and how quickly.

python -m bench.fingerprint_text [FOLDER]

The texts are made-up prose, half of it on one subject, and pages of Python's help; or the files of a folder, no two
of which may share anything.
"""

import io
import sys
import time
from pathlib import Path
from pydoc_data.topics import topics
from random import Random

from countermark.fingerprint import Fingerprint, compare_many, compute
from countermark.fingerprint.evaluation.kinds.measure import measure, strangers
from countermark.fingerprint.evaluation.kinds.prose import Subject, prose
from countermark.fingerprint.evaluation.kinds.text import ATTACKS

GENERATOR = "text/v1"
ORIGINALS, OTHERS, STRANGERS = 200, 60, 600
SHORTEST, LONGEST = 400, 4000
SPEED_BYTES = 10_000_000

TOPICS = (
    *("class", "with", "binary", "raise", "async", "objects", "identifiers", "numeric-types", "typesseq-mutable"),
    *("naming", "function", "sequence-types", "calls", "operator-summary", "try", "import", "strings", "comparisons"),
    *(
        "assignment",
        "typesmapping",
        "customization",
        "attribute-access",
        "debugger",
        "string-methods",
        "formatstrings",
    ),
    "types",
)
"""Pages of Python's help of 300 words and more, chosen as those that ``text/v1`` itself finds to share little: they
serve as originals, and say nothing of strangers."""


def made(count: int, seed: int) -> list[bytes]:
    """Return prose of lengths spread evenly by their logarithm, every second text on one subject."""
    lengths, subject = Random(seed), Subject(seed)  # noqa: S311 - lengths, not secrets
    return [
        prose(
            subject if number % 2 else Subject(seed + 1 + number),
            seed + number,
            round(SHORTEST * (LONGEST / SHORTEST) ** lengths.random()),
        ).encode()
        for number in range(count)
    ]


def written() -> list[bytes]:
    return [topics[name].encode() for name in TOPICS if name in topics]


def show_recall(originals: list[bytes], others: list[bytes]) -> None:
    print(f"{len(originals)} originals\n\n| Attack | | Match | Review | Another's |\n|---|---|---|---|---|")
    for attack in ATTACKS:
        (found,) = measure(originals, [attack], GENERATOR, others=others).values()
        kind = "held back" if attack.held_back else "calibrated"
        print(f"| {attack.name} | {kind} | {found.recall:.1%} | {found.reviews / found.copies:.1%} | {found.wrong} |")


def show_strangers(name: str, files: list[bytes]) -> None:
    found = strangers(files, GENERATOR)
    print(f"{name}: {found.pairs} pairs, {found.matches} matches, {found.reviews} to be reviewed")


def show_speed() -> None:
    unit = b"".join(written())
    start = time.process_time()
    long = _fingerprint(unit * (SPEED_BYTES // len(unit)))
    print(f"\ncompute: {SPEED_BYTES / 1e6:.0f} MB in {time.process_time() - start:.2f} s")
    print(f"bytes: {len(long.to_bytes())} of that, {len(_fingerprint(topics['with'].encode()).to_bytes())} of a page")
    start = time.process_time()
    compare_many(long, [long] * 50)
    print(f"compare_many with 50 as long: {(time.process_time() - start) * 1000:.0f} ms")


def _fingerprint(data: bytes) -> Fingerprint:
    return compute(io.BytesIO(data), GENERATOR)


def main() -> None:
    if sys.argv[1:]:
        files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
        middle = len(files) // 2
        show_recall(files[:middle], files[middle:])
        show_strangers("files", files)
    else:
        show_recall(made(ORIGINALS, 1) + written(), made(OTHERS, 9000))
        show_strangers("prose, half of it on one subject", made(STRANGERS, 50_000))
    show_speed()


if __name__ == "__main__":
    main()
