"""What a fingerprint takes to make, beside PDQ of the same files.

python -m bench.fingerprint_speed.making FOLDER
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pdqhash
from PIL import Image

from bench.figures import Figure, median, note, show
from bench.fingerprint_speed.photographs import paths
from countermark.fingerprint import compute
from countermark.fingerprint.evaluation.changes import noisy
from countermark.fingerprint.image.decode import decode

PHOTOGRAPHS = 12
REPEATS = 3
SIZES = {"12 MP": ((4000, 3000), 30), "640x480": ((640, 480), 12)}
"""Width and height, and the milliseconds that a fingerprint may take."""


GRAIN = 5
"""Standard deviation of the noise added: an enlarged picture without it is a far smaller file than a photo is."""


def jpeg(path: Path, size: tuple[int, int]) -> bytes:
    enlarged = Image.open(path).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    noisy(enlarged, np.random.default_rng(1), GRAIN).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def spent_ms(work: Callable[[bytes], object], files: list[bytes]) -> float:
    """Return the median of the processor time that `work` on a file takes, each done a few times."""
    times = []
    for file in files * REPEATS:
        before = time.process_time()
        work(file)
        times.append(time.process_time() - before)
    return 1000 * median(times)


def main() -> None:
    cv2.setNumThreads(1)
    found = paths(Path(sys.argv[1]))
    chosen = found[:: max(1, len(found) // PHOTOGRAPHS)][:PHOTOGRAPHS]
    for name, (size, bound) in SIZES.items():
        files = [jpeg(path, size) for path in chosen]
        ours = spent_ms(lambda file: compute(io.BytesIO(file)), files)
        show(Figure(f"`image/v1` of a {name} JPEG, one core, median of {len(files)}", ours, "ms", bound))
        quick = spent_ms(lambda file: pdqhash.compute(decode(io.BytesIO(file))), files)
        whole = spent_ms(lambda file: pdqhash.compute(np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))), files)
        reading = spent_ms(lambda file: decode(io.BytesIO(file)), files)
        megabytes = sum(map(len, files)) / len(files) / 1e6
        note(f"files of {megabytes:.2f} MB, of which decoding takes {reading:.1f} ms")
        note(f"PDQ of them {quick:.1f} ms decoded as by us, {whole:.1f} ms decoded in full")


if __name__ == "__main__":
    main()
