"""Measure how long `countermark --help` takes, and `countermark up` until it is ready on a fresh data folder.

python -m bench.starting [--repeat 5]
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from bench.figures import Figure, median, show
from tests.support.whole_platform import COUNTERMARK, Platform


def help_s() -> float:
    """Return the seconds that one `countermark --help` takes."""
    before = time.perf_counter()
    subprocess.run([COUNTERMARK, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


def up_s() -> float:
    """Return the seconds from the start of `countermark up` to the line that says it is ready."""
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as folder:
        platform = Platform(Path(folder) / "market")
        before = time.perf_counter()
        try:
            platform.start()
            return time.perf_counter() - before
        finally:
            platform.stop()
            platform.discard()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    show(
        Figure("`countermark --help`, median", median([help_s() for _ in range(repeat)]), "s", 0.3),
        Figure("`countermark up` ready, fresh folder, median", median([up_s() for _ in range(repeat)]), "s", 6),
    )


if __name__ == "__main__":
    main()
