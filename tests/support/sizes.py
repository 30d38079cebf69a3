"""How much a test does: a size for every run and a larger one for `make nightly`."""

import os

NIGHTLY = bool(os.environ.get("COUNTERMARK_NIGHTLY"))


def size(every_run: int, nightly: int) -> int:
    """Return how many cases this run does."""
    return nightly if NIGHTLY else every_run
