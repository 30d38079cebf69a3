"""A platform whose failpoints can be armed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.faults import DIRECTORY
from tests.support.chaos.members import Chaos, Members
from tests.support.whole_platform import Platform


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Chaos]:
    """A platform of its own: what is killed here, nobody else uses."""
    points = tmp_path / "points"
    points.mkdir()
    platform = Platform(tmp_path / "data", {DIRECTORY: str(points)})
    platform.start()
    members = Members(platform)
    try:
        yield Chaos(platform, points, members)
    finally:
        status = platform.stop()
    assert (status, members.left()) == (0, [])
    platform.discard()
