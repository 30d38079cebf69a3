"""What the client takes for a collection of many photographs, and what it does again after it was killed half-way.

python -m bench.collections.client FOLDER FILES
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.collections.usage import used
from bench.figures import Figure, note, show
from bench.fingerprint_speed.photographs import paths
from countermark.client.collections import examine_collection
from countermark.client.vault import Vault
from countermark.fingerprint import generators
from countermark.protocol.market import kind_of

BOUND_S = 300.0
"""For 10,000 photographs on two cores."""
_KEY = b"k" * 32


def choose(kind: str) -> list[str]:
    return [name for name in generators() if kind_of(name) == kind and name != "image/paper-v0"]


def made(photographs: list[Path], folder: Path, count: int) -> Path:
    """Make a folder of `count` files: the photographs, each again and again, no two of the same bytes."""
    folder.mkdir()
    for number in range(count):
        source = photographs[number % len(photographs)]
        # What follows a picture is no part of it: another file, and as much work.
        data = source.read_bytes() + f"{number}".encode()
        (folder / f"{number:06d}{source.suffix}").write_bytes(data)
    return folder


def kill_half_way(folder: Path, home: Path, count: int) -> None:
    """Let another process examine, and kill it when it has stored what it found of half of the files."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.collections.client", str(folder), str(count), "--home", str(home)],
        start_new_session=True,
    )
    vault = Vault(home, _KEY)
    while len(vault.names("examined")) * 64 < count // 2 and process.poll() is None:
        time.sleep(0.1)  # until half of it is stored, which shows in the vault alone
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=int)
    parser.add_argument("--home", type=Path, help="examine FOLDER as it is, and keep what is found here")
    options = parser.parse_args()
    if options.home is not None:
        examine_collection(options.folder, choose, vault=Vault(options.home, _KEY))
        return
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as temporary:
        folder = made(paths(options.folder), Path(temporary) / "files", options.files)
        told: list[int] = []
        with used() as whole:
            data = examine_collection(
                folder,
                choose,
                vault=Vault(Path(temporary) / "whole", _KEY),
                progress=lambda done, _: told.append(done),
            )
        assert data.count == options.files
        note(f"examined: {whole}; {sum(map(len, data.items)) / 1e6:.0f} MB of fingerprints")
        bound = BOUND_S * options.files / 10_000
        show(Figure(f"{options.files:,} photographs examined", whole.wall_s, "s", bound))
        show(Figure("processor time for 1,000 of them", 1000 * whole.cpu_s / options.files, "s", 60))
        kill_half_way(folder, Path(temporary) / "killed", options.files)
        told.clear()
        with used() as rest:
            again = examine_collection(
                folder,
                choose,
                vault=Vault(Path(temporary) / "killed", _KEY),
                progress=lambda done, _: told.append(done),
            )
        assert again.items == data.items
        note(f"killed half-way and run again: {len(told):,} of {options.files:,} files in {rest.wall_s:.1f} s")
        show(
            Figure(
                "files examined by the second run after half", len(told) / options.files, "", 0.5 + 64 / options.files
            )
        )


if __name__ == "__main__":
    main()
