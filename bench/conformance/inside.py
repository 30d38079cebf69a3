"""Tell, from inside an environment, what it computes with and which conformance vectors it misses.

python -m bench.conformance.inside

Prints one JSON object. Imports nothing but what a fingerprint is computed with.
"""

import json
import re
import sys
from importlib.metadata import version

import cv2
from numpy._core import _multiarray_umath

from bench.conformance.locks import PACKAGES
from countermark.fingerprint.conformance import failures, vectors


def report() -> dict[str, object]:
    """Return versions, the processor's features that each library uses where it has them, and what differs."""
    numpy = _multiarray_umath
    return {
        "versions": {name: version(name) for name in PACKAGES},
        # OpenCV marks code of which there are several versions with a star, and adds a question mark where the
        # processor, or somebody's wish, does without.
        "opencv": re.findall(r"\*(\S+)(?<!\?)(?=\s|$)", cv2.getCPUFeaturesLine()),
        "ipp": cv2.ipp.useIPP(),
        "numpy": [name for name in numpy.__cpu_dispatch__ if numpy.__cpu_features__[name]],
        "vectors": sum(len(vector.fingerprints) for vector in vectors()),
        "differing": failures(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report()) + "\n")
