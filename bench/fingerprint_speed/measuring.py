"""Measure how fast fingerprints of pictures are made, and how fast the gate looks among very many.

python -m bench.fingerprint_speed FOLDER [--images 100000] [--million]

Each part runs in a process of its own, on one core with one thread, and times are processor times: other processes
do not show in them but by the caches they share. `--million` looks among a million pictures too, which takes some
minutes and 6 GB.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Libraries read these when they are imported: so they are set for a process that has not begun."""


def _run(part: str, *arguments: str) -> None:
    # Runs itself through this interpreter and stops with it.
    subprocess.run(
        [sys.executable, "-m", f"bench.fingerprint_speed.{part}", *arguments],
        check=True,
        env={**os.environ, **_ONE_THREAD},
        preexec_fn=lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--million", action="store_true")
    options = parser.parse_args()
    folder = str(options.folder)
    _run("making", folder)
    _run("searching", folder, str(options.images), "--beside-faiss")
    if options.million:
        _run("searching", folder, "1000000")
