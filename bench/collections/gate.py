"""What the gate takes for a collection of many pictures among very many: search, reading, decryption, comparison.

python -m bench.collections.gate FOLDER ITEMS REGISTERED

The gallery is of made pictures (`bench.fingerprint_speed.recombined`), with as many candidates as among real ones.
Their rows in PostgreSQL hold fingerprints of real pictures, which stand in for them in the comparison.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from bench.collections.usage import used
from bench.figures import Figure, note, show
from bench.fingerprint_speed.density import calibrated
from bench.fingerprint_speed.photographs import Photographs, read
from bench.fingerprint_speed.recombined import Mix, Recombined
from bench.fingerprint_speed.searching import SEGMENT
from countermark.fingerprint import Fingerprint
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.gallery import Gallery
from countermark.platform.matching import index as matching
from countermark.platform.matching.index import FingerprintIndex, item_context
from countermark.platform.matching.likeness import Survey
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.migrations import migrate
from countermark.platform.store.postgres import EmbeddedPostgres
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import select

BOUND_S = 30.0
"""For 1,000 items among 100,000, on two cores."""

_GENERATOR = "image/v1"
_ROWS = 500


def filled(database: Database, box: SecretBox, prints: Sequence[Fingerprint], count: int) -> None:
    """Store `count` rows, each of a contract of its own, of `prints` again and again."""
    plain = [one.to_bytes() for one in prints]

    def row(number: int) -> dict[str, object]:
        address = f"dc1{number:07d}"
        data = box.seal(plain[number % len(plain)], context=item_context(address, 0, _GENERATOR))
        return {"address": address, "item": 0, "generator": _GENERATOR, "segments": data}

    with database.begin() as connection:
        for start in range(0, count, _ROWS):
            rows = [row(number) for number in range(start, min(start + _ROWS, count))]
            connection.execute(tables.item_fingerprints.insert(), rows)


def indexed(database: Database, box: SecretBox, photographs: Photographs, count: int, mix: Mix) -> FingerprintIndex:
    """Return the gate's index as if it had taken in `count` rows of made pictures."""
    made, gallery = Recombined(photographs.sources), Gallery(V1.candidates)
    for rows in made.segments(count, mix, SEGMENT):
        gallery.add_rows(rows)
    index = FingerprintIndex(box, database)
    items = tables.item_fingerprints
    with database.begin() as connection:
        rows = connection.execute(select(items.c.seq, items.c.address).order_by(items.c.seq)).all()
    shelf = matching._Shelf(gallery, [row.seq for row in rows], [row.address for row in rows], [0] * len(rows))
    index._shelves[_GENERATOR], index._seen = shelf, rows[-1].seq
    return index


def collection(photographs: Photographs, count: int) -> list[Fingerprint]:
    """Return the items of a collection: pictures that are not registered, again and again."""
    honest = photographs.honest
    return [honest[number % len(honest)] for number in range(count)]


@contextlib.contextmanager
def postgres() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as temporary:
        Path(temporary).chmod(0o711)  # PostgreSQL's account, where root runs this
        with EmbeddedPostgres(Path(temporary) / "postgres") as server:
            database = Database(server.url)
            migrate(database)
            yield database
            database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("items", type=int)
    parser.add_argument("registered", type=int)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    photographs = read(options.folder)
    mix = calibrated(photographs)
    box = SecretBox({1: b"k" * 32}, 1)
    with postgres() as database:
        filled(database, box, photographs.sources, options.registered)
        index = indexed(database, box, photographs, options.registered, mix)
        items = collection(photographs, options.items)
        surveys: list[Survey] = []
        for threads in (1, matching.THREADS):
            matching.THREADS = threads
            with used() as usage:
                surveys.append(index.survey(items, quickly=True))
            note(f"{options.items:,} items among {options.registered:,}, {threads} threads: {usage}")
        assert surveys[0] == surveys[1]
        bound = BOUND_S * options.items / 1_000
        show(
            Figure(
                f"gate's check of {options.items:,} pictures among {options.registered:,}", usage.wall_s, "s", bound
            )
        )
        show(Figure("processor time of it, but for PostgreSQL's", usage.cpu_s, "s", 2 * bound))


if __name__ == "__main__":
    main()
