"""Compute the conformance vectors with older and newer libraries, and as processors without vector units would.

python -m bench.conformance [--environments .venv-conformance]

Makes an environment for each combination of versions in bench/conformance/locks.py and keeps it until that changes.
In each the vectors are computed three times: as this processor does, without its instructions of 512 bits, and with
none of those that only some processors have. A line for each says what differs; exits with 1 if anything does.
"""

import argparse
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.conformance.locks import COMBINATIONS, ROOT, locked

_LONG = ("AVX512", "X86_V4")
"""How numpy and OpenCV begin the names of what uses 512 bits."""


@dataclass(frozen=True)
class Processor:
    """What of the processor the libraries are to use: how its row calls that, and their environment variables."""

    what: str
    environment: dict[str, str]
    absent: frozenset[str] = frozenset()


def environment(folder: Path, combination: str) -> Path:
    """Return the interpreter of an environment with exactly the packages of `combination`; make it if need be."""
    place = folder / combination.replace(" ", "-")
    python, lock, wanted = place / "bin" / "python", place / "installed.lock", locked(combination)
    if lock.is_file() and lock.read_text(encoding="utf-8") == wanted:
        return python
    venv.create(place, clear=True, with_pip=True)
    requirements = place / "requirements.lock"
    requirements.write_text(wanted, encoding="utf-8")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", requirements], check=True)
    # Only now: an installation that was interrupted is begun anew.
    requirements.rename(lock)
    return python


def report(python: Path, more: dict[str, str]) -> dict[str, Any]:
    """Return what bench/conformance/inside.py tells of an environment."""
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    done = subprocess.run(
        [python, "-m", "bench.conformance.inside"],
        env={**os.environ, "PYTHONPATH": paths, **more},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def processors(whole: dict[str, Any]) -> Iterator[Processor]:
    """Yield the lesser processors that the libraries can be made to see, by what they use of this one."""
    features = {*whole["opencv"], *whole["numpy"]}
    long = {name for name in features if name.startswith(_LONG)}
    for what, absent, ipp, blas in (
        ("without 512 bits", long, "avx2", "Haswell"),
        ("baseline only", features, "disabled", "Nehalem"),
    ):
        if not absent:
            continue
        yield Processor(
            what,
            {
                "OPENCV_CPU_DISABLE": ",".join(name for name in whole["opencv"] if name in absent),
                "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in whole["numpy"] if name in absent),
                "OPENCV_IPP": ipp,
                "OPENCV_LOG_LEVEL": "ERROR",
                "OPENBLAS_CORETYPE": blas,
                # The decoder of JPEG has such code, too, and knows no middle way.
                "JSIMD_FORCENONE": "1" if ipp == "disabled" else "0",
            },
            frozenset(absent),
        )


def verdict(found: dict[str, Any], processor: Processor) -> str:
    """Return what is wrong with a row; empty if every vector is identical and computed as was asked for."""
    left = processor.absent & {*found["opencv"], *found["numpy"]}
    wrong = [f"{name} not switched off" for name in sorted(left)]
    if processor.environment.get("OPENCV_IPP") == "disabled" and found["ipp"]:
        wrong.append("IPP not switched off")
    if not found["vectors"]:
        wrong.append("no vectors")
    return "; ".join((*wrong, *(f"differs: {line}" for line in found["differing"])))


def main() -> int:
    """Print a row for each combination and processor; return 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--environments", type=Path, default=ROOT / ".venv-conformance", help="folder to keep them in"
    )
    folder: Path = parser.parse_args().environments.absolute()
    failed = False
    for combination in COMBINATIONS:
        python = environment(folder, combination)
        whole = report(python, {})
        rows = [(Processor("this processor", {}), whole)]
        rows += [(one, report(python, one.environment)) for one in processors(whole)]
        for processor, found in rows:
            wrong = verdict(found, processor)
            failed = failed or bool(wrong)
            versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
            outcome = wrong or f"{found['vectors']} fingerprints identical"
            sys.stdout.write(f"{combination} ({versions}), {processor.what}: {outcome}\n")
            sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
