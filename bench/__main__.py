"""Run the measurements of this folder, one after the other, and print what each prints.

python -m bench [FOLDER] [--only NAME ...]

Fingerprints are measured on the photographs in FOLDER; without one, on the few that scikit-image ships, which shows
that the measurement works and says little about the world. Families of pictures need a FOLDER of 60 or more.
Everything together takes some twenty minutes.
"""

import argparse
import importlib
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

_SHIPPED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
_SPEED = ("endorsements", "payments", "trades", "packages", "starting", "scale")
_FINGERPRINTS = ("fingerprints", "fingerprint_families")


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
    parser.add_argument("--only", nargs="+", choices=(*_SPEED, *_FINGERPRINTS), default=(*_SPEED, *_FINGERPRINTS))
    options = parser.parse_args()
    for module in options.only:
        if module in _SPEED:
            run(module)
        elif module == "fingerprints":
            with tempfile.TemporaryDirectory(prefix="countermark-bench-") as temporary:
                run(module, str(options.folder or shipped(Path(temporary))))
        elif options.folder is not None:
            run(module, str(options.folder))


if __name__ == "__main__":
    main()
