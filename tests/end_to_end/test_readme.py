"""What the README says to type is typed, line by line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.whole_platform import Platform

ROOT = Path(__file__).resolve().parents[2]


def trading_block() -> str:
    """Return the block of the README in which a seller and a buyer trade."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if "trade confirm" in block]
    return str(block)


@pytest.mark.requirement("R1", "R17", "R42", "R48")
def test_the_readmes_trade_settles(tmp_path: Path, platform: Platform) -> None:
    from tests.support.photographs import photograph

    photograph(tmp_path / "photo.jpg", 4711)
    (tmp_path / "market").symlink_to(platform.data)
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [shutil.which("bash") or "", "-eu", "-o", "pipefail", "-c", trading_block()],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert re.search(r"^state: SETTLED$", done.stdout, re.MULTILINE)
