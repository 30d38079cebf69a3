"""Which versions the conformance vectors are computed with, and the lines of lock files that install them.

Each combination is the versions of requirements.lock but for those of the files that it names. So an upgrade of
requirements.lock is checked against the same older versions without another file to keep in step.
"""

import re
from pathlib import Path
from typing import Final

__all__ = ["COMBINATIONS", "PACKAGES", "ROOT", "locked"]

ROOT: Final = Path(__file__).resolve().parents[2]

PACKAGES: Final = ("numpy", "opencv-python-headless", "pillow", "pyarrow")
"""What computing a fingerprint imports besides the standard library."""

COMBINATIONS: Final[dict[str, tuple[str, ...]]] = {
    "pinned": (),
    "older Pillow": ("pillow-12.3.0",),
    "older numpy": ("numpy-2.2.6",),
    "older OpenCV": ("opencv-4.13.0.92",),
    "older pyarrow": ("pyarrow-25.0.1",),
    "all older": ("pillow-12.3.0", "numpy-2.2.6", "opencv-4.12.0.88", "pyarrow-25.0.1"),
}
"""Files of this folder by the combination that they make. OpenCV 4.12 admits no numpy from 2.3 on."""


def _entries(path: Path) -> dict[str, str]:
    """Return the entries of a lock file by package: the line with the version and those with its hashes."""
    text = path.read_text(encoding="utf-8")
    return {found[1]: found[0] for found in re.finditer(r"^([\w-]+)==.*\n(?:    --hash=.*\n)+", text, re.MULTILINE)}


def locked(combination: str) -> str:
    """Return the lock file of a combination: exactly the packages that a fingerprint is computed with."""
    entries = _entries(ROOT / "requirements.lock")
    for name in COMBINATIONS[combination]:
        entries |= _entries(Path(__file__).with_name(f"{name}.lock"))
    return "".join(entries[package] for package in PACKAGES)
