"""A market that takes collections, and folders of generated files for it."""

from pathlib import Path
from typing import Any

import numpy as np

from countermark.fingerprint.evaluation.families import scene
from tests.support.market import config_json
from tests.support.pictures import jpeg

GENERATORS = ["image/v1", "text/v1", "table/v1", "bytes/v1", "collection/v1"]


def config(items: int = 1000) -> dict[str, Any]:
    """Members of the configuration of a market whose listings hold so many items of any kind."""
    return {
        "generators": {"accepted": GENERATORS, "preferred": "image/v1", "required": GENERATORS[:-1]},
        "limits": {**config_json()["limits"], "items": items, "package_bytes": 1 << 30},
    }


def folder_of(path: Path, *, pictures: int, texts: int, seed: int = 1) -> Path:
    """Make at `path` a folder of drawn pictures, texts and a table of its own for each `seed`."""
    random = np.random.default_rng(seed)
    (path / "pictures").mkdir(parents=True)
    for number in range(pictures):
        (path / "pictures" / f"{number}.jpg").write_bytes(jpeg(scene(random).resize((320, 240))))
    words = [bytes(random.integers(97, 123, 3 + number % 8, np.uint8)).decode() for number in range(500)]
    for number in range(texts):
        text = " ".join(words[place] for place in random.integers(0, len(words), 400))
        (path / f"text{number}.txt").write_text(text + ".\n", encoding="utf-8")
    rows = [",".join(map(str, row)) for row in random.integers(0, 10**6, (200, 4))]
    (path / "table.csv").write_text("one,two,three,four\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path
