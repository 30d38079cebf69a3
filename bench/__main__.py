"""Run the measurements of this folder, one after the other, and print what each prints.

python -m bench [NAME ...] [FOLDER]

Fingerprints are measured on the photographs in FOLDER; without one, on the few that scikit-image ships and on drawn
scenes, which shows that it works and says little about the world. Families of pictures need a FOLDER of 60 or more,
the adaptive attack and collections need any. Everything together takes some three quarters of an hour, and ten
minutes more where Fabric's programs are on PATH: `fabric` needs them.
"""

import argparse
import importlib
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from bench.figures import note
from countermark.network.native import binaries
from countermark.network.native.errors import RunError

_SHIPPED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
_SPEED = (
    *("endorsements", "payments", "trades", "packages", "disputes", "audit_verify", "board_proofs", "starting"),
    "scale",
)
_SPEED_OF_FINGERPRINTS = "fingerprint_speed"
_FINGERPRINTS = (_SPEED_OF_FINGERPRINTS, "fingerprint_families", "fingerprint_adaptive", "collections")
_NEED_A_FOLDER = _FINGERPRINTS[1:]
_FABRIC = "fabric"
_ALL = (*_SPEED, _FABRIC, *_FINGERPRINTS)


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
    parser.add_argument(
        "what",
        nargs="*",
        metavar="NAME | FOLDER",
        help=f"{', '.join(_ALL)}; or a folder of photographs, .jpg or .png",
    )
    what: list[str] = parser.parse_args().what
    names, folders = [one for one in what if one in _ALL], [Path(one) for one in what if one not in _ALL]
    if len(folders) > 1 or not all(one.is_dir() for one in folders):
        parser.error(f"one folder of photographs, and names out of {', '.join(_ALL)}")
    if not folders and {*names} & {*_NEED_A_FOLDER}:
        parser.error(f"{' and '.join(_NEED_A_FOLDER)} take a folder of photographs")
    for module in names or _ALL:
        if module in _SPEED:
            run(module)
        elif module == _FABRIC:
            run_fabric(asked=bool(names))
        elif folders:
            run(module, str(folders[0]))
        elif module == _SPEED_OF_FINGERPRINTS:
            with tempfile.TemporaryDirectory(prefix="countermark-bench-") as temporary:
                run(module, str(shipped(Path(temporary))))


def run_fabric(*, asked: bool) -> None:
    """Run the measurements on native Fabric, unless its programs are missing and nobody has asked for them."""
    try:
        binaries.find()
    except RunError as error:
        if asked:
            raise
        note(f"bench.fabric is left out: {error.detail}")
        return
    run(_FABRIC)


if __name__ == "__main__":
    main()
