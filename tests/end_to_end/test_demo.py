"""The main job, as a newcomer runs it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.whole_platform import COUNTERMARK


@pytest.mark.requirement("R21", "R23", "R25", "R38", "R40", "R44", "R46", "R49", "R50", "R65", "R76", "R77", "R94")
def test_demo_shows_every_step_the_refusals_and_the_supervisors_account(tmp_path: Path) -> None:
    done = subprocess.run(
        [COUNTERMARK, "demo", "--keep", str(tmp_path / "kept")],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    shown = {int(number) for number in re.findall(r"^ *\((\d+)", done.stdout, re.MULTILINE)}
    assert shown >= set(range(1, 25)) - {3, 17, 21}
    for code in ("similar_registered", "insufficient_funds"):
        assert f"refused {code}" in done.stdout
    assert "the buyer has his money back" in done.stdout
    assert "the seller was paid" in done.stdout
    assert "all money:" in done.stdout
