"""A default network, run by the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.command_line import countermark


@contextmanager
def default_network(folder: Path, *options: str) -> Iterator[Path]:
    """Give the folder of a default network, made with `options` of `generate`, while the context lasts."""
    countermark("network", "generate", "--dir", folder, *options)
    try:
        countermark("network", "up", "--dir", folder)
        yield folder
    finally:
        countermark("network", "down", "--dir", folder)
