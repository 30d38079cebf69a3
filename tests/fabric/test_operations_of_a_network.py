"""The page of operations holds: its commands for a network of Fabric are run as they stand there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documented import blocks, shell

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

COMMANDS = blocks("A network of Fabric")
END = "Stop it"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("operations")
    yield folder
    for name in ("acme", "countermark-network"):
        if (folder / name / "network.yaml").exists():
            shell(f"countermark network down --dir {name}", folder)


@pytest.mark.parametrize("title", COMMANDS)
def test_the_commands_do_what_the_page_says(folder: Path, title: str) -> None:
    """One after the other, in the page's order."""
    said = shell(COMMANDS[title], folder)
    ended = [line for line in said.splitlines() if line.endswith(" processes ended")]
    assert len(ended) == (2 if title == END else 0)
    assert not any(line.startswith("0 ") for line in ended)
