"""Measure collections: the gate's check of many items, and what the client finds of many files.

python -m bench.collections FOLDER [--items 1000] [--registered 100000] [--files 10000]

Wall time depends on what else the machine does, so processor time, of all processes that take part, stands beside it.
Each part runs in a process of its own, so that memory is its own.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from bench.figures import note


def _run(part: str, *arguments: str) -> None:
    # Runs itself through this interpreter and stops with it.
    subprocess.run([sys.executable, "-m", f"bench.collections.{part}", *arguments], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of photographs")
    parser.add_argument("--items", type=int, default=1_000, help="of the collection that the gate checks")
    parser.add_argument("--registered", type=int, default=100_000, help="pictures that are registered")
    parser.add_argument("--files", type=int, default=10_000, help="of the collection that the client examines")
    options = parser.parse_args()
    note("the gate")
    _run("gate", str(options.folder), str(options.items), str(options.registered))
    note("the client")
    _run("client", str(options.folder), str(options.files))
