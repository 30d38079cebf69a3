"""What the gate's check takes among very many pictures, and the search beside faiss.

python -m bench.fingerprint_speed.searching FOLDER IMAGES [--beside-faiss]
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bench.figures import Figure, note, show
from bench.fingerprint_speed import flat
from bench.fingerprint_speed.density import calibrated
from bench.fingerprint_speed.photographs import COPIED, Photographs, read
from bench.fingerprint_speed.recombined import Mix, Recombined
from countermark.fingerprint import Fingerprint, compare_many
from countermark.fingerprint.image.config import V1
from countermark.fingerprint.image.gallery import Gallery
from countermark.fingerprint.image.segment import Rows

SEGMENT = 1 << 16
MS_AN_IMAGE = 100 / 100_000
"""The bound: 100 ms at 100,000 pictures or fewer, a second at a million."""


def resident_gb(what: str) -> float:
    """Return what this process has (VmRSS) or had at most (VmHWM) in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1e6


def built(photographs: Photographs, count: int, mix: Mix) -> tuple[Gallery, list[Rows], float]:
    """Return a gallery of the originals and of made pictures, `count` in all, its parts, and the seconds it took."""
    made = Recombined(photographs.sources)
    originals = Rows.of(photographs.originals)
    gallery, parts, seconds = Gallery(V1.candidates), [], 0.0
    for number, rows in enumerate(made.segments(count, mix, SEGMENT)):
        if not number:
            rows = originals.followed_by(made.rows(rows.count - originals.count, mix))
        parts.append(rows)
        before = time.process_time()
        gallery.add_rows(rows)
        seconds += time.process_time() - before
    return gallery, parts, seconds


def check(gallery: Gallery, photographs: Photographs, query: Fingerprint) -> tuple[float, float, list[int]]:
    """Return the seconds of search and comparison, and the candidates; real pictures stand in for those made."""
    before = time.process_time()
    found = gallery.candidates(query)
    between = time.process_time()
    sources = photographs.sources
    compare_many(query, [photographs.originals[n] if n < COPIED else sources[n % len(sources)] for n in found])
    return between - before, time.process_time() - between, found


def told(what: str, times: Sequence[float], bound: float) -> None:
    """Print the median and the 95th percentile of seconds."""
    for name, share in (("median", 50), ("p95", 95)):
        show(Figure(f"{what}, {name} of {len(times)}", 1000 * float(np.percentile(times, share)), "ms", bound))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("images", type=int)
    parser.add_argument("--beside-faiss", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    photographs = read(options.folder)
    mix = calibrated(photographs)
    gallery, parts, seconds = built(photographs, options.images, mix)
    count = len(gallery)
    note(f"gallery of {count:,}: built in {seconds:.1f} s")
    show(Figure(f"memory of the process with {count:,} pictures, at most", resident_gb("VmHWM"), "GB", 6))
    note(f"{resident_gb('VmRSS'):.2f} GB once it is built")
    bound = MS_AN_IMAGE * max(count, 100_000)
    for what, queries in (("an honest picture", photographs.honest), ("an edited copy", photographs.copies)):
        checks = [check(gallery, photographs, query) for query in queries]
        told(f"check of {what} against {count:,}", [one[0] + one[1] for one in checks], bound)
        search, comparison = (1000 * float(np.median([one[part] for one in checks])) for part in (0, 1))
        verified = [len(one[2]) for one in checks]
        note(
            f"search {search:.1f} ms, comparison {comparison:.1f} ms (medians); "
            f"verified {np.mean(verified):.1f}, at most {max(verified)}"
        )
        show(Figure(f"verified for {what}, at most", max(verified), "", V1.candidates.most))
    recalled = [number in gallery.candidates(query) for number, query in enumerate(photographs.copies)]
    note(f"originals among the candidates: {sum(recalled)} of {len(recalled)} copies")
    if options.beside_faiss:
        flat.compare(gallery, parts, photographs)


if __name__ == "__main__":
    main()
