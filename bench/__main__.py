"""Run the measurements of this folder, one after the other, and print what each prints.

python -m bench [FOLDER]

Fingerprints are measured on the photographs in FOLDER; without one, on the few that scikit-image ships, which shows
that the measurement works and says little about the world. Families of pictures need a FOLDER of 60 or more.
"""

import argparse
import importlib
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

_SHIPPED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def run(module: str, *arguments: str) -> None:
    """Run what `python -m bench.MODULE` runs, with `arguments`."""
    sys.stdout.write(f"\n## bench.{module} {' '.join(arguments)}\n\n")
    sys.stdout.flush()
    sys.argv = [module, *arguments]
    importlib.import_module(f"bench.{module}").main()


def shipped(into: Path) -> Path:
    spec = importlib.util.find_spec("skimage")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    for name in _SHIPPED:
        shutil.copy(Path(spec.submodule_search_locations[0]) / "data" / name, into)
    return into


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="photographs, .jpg or .png")
    folder = parser.parse_args().folder
    run("endorsements")
    with tempfile.TemporaryDirectory(prefix="countermark-bench-") as temporary:
        run("fingerprints", str(folder or shipped(Path(temporary))))
    if folder is not None:
        run("fingerprint_families", str(folder))


if __name__ == "__main__":
    main()
