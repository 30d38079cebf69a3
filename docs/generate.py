"""Write the pages that are made from code: `python -m docs.generate` (`make docs`); --check only compares."""

import argparse
import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generators import attacks, cli, errors, http, requirements

ROOT = Path(__file__).resolve().parents[1]


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/attacks.md": functools.partial(attacks.page, ROOT),
    "docs/cli.md": cli.page,
    "docs/errors.md": errors.page,
    "docs/http-operations.md": http.page,
    "docs/requirements.md": functools.partial(requirements.page, ROOT),
}
"""What makes each page, by its path in the repository."""


def main() -> int:
    """Write the pages; with --check write nothing and return 1 when one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a page is not up to date")
    check = parser.parse_args().check
    made = {name: page() for name, page in PAGES.items()}
    stale = {name: text for name, text in made.items() if _read(ROOT / name) != text}
    for name, text in stale.items():
        if not check:
            (ROOT / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"{name} {'is stale' if check else 'written'}\n")
    return 1 if check and stale else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
