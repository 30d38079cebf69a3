"""One import package out of top-level folders (docs/adr/0001-layout.md)."""

import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINKS = ROOT / "src" / "countermark"


def test_platform_folder_never_shadows_the_standard_library() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    # `python -m` from the root puts the root first on the path: the worst case.
    done = subprocess.run([sys.executable, "-m", "platform"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == platform.platform()


def test_import_package_holds_one_link_per_folder_and_nothing_else() -> None:
    for link in LINKS.iterdir():
        if link.name == "__pycache__":
            continue
        assert link.is_symlink(), link.name
        assert str(link.readlink()) == f"../../{link.name}"
        assert (ROOT / link.name).is_dir()


def test_wheel_maps_every_linked_folder() -> None:
    import tomllib

    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    names = sorted(link.name for link in LINKS.iterdir() if link.is_symlink())
    assert sorted(build["only-include"]) == names
    assert build["sources"] == {name: f"countermark/{name}" for name in names}
