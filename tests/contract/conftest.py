"""The backends that the contract suite runs on: one suite, every ledger.

In memory runs everything. On the embedded peer, and on native Fabric where it is found, run the tests marked
`every_ledger`, or all of them with COUNTERMARK_CONTRACT_LEDGER=embedded or =fabric; those marked `native_ledger` run
on Fabric too, where they are quick. Only what looks behind the contracts asks for `in_memory`.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.backends import Backend, InMemory
from tests.support.market import Market

if TYPE_CHECKING:
    from tests.support.embedded_backend import Channels

MEMORY, EMBEDDED, FABRIC = "memory", "embedded", "fabric"
SHARED = {EMBEDDED: "channels", FABRIC: "native_markets"}
"""Fixtures of the networks, by backend."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" not in metafunc.fixturenames:
        return
    wanted = {MEMORY, os.environ.get("COUNTERMARK_CONTRACT_LEDGER")}
    if metafunc.definition.get_closest_marker("every_ledger"):
        wanted |= {EMBEDDED, FABRIC}
    if metafunc.definition.get_closest_marker("native_ledger"):
        wanted.add(FABRIC)
    marks = {FABRIC: [pytest.mark.fabric]}
    names = [name for name in (MEMORY, EMBEDDED, FABRIC) if name in wanted]
    chosen = [pytest.param(name, marks=marks.get(name, ()), id=name) for name in names]
    metafunc.parametrize("backend", chosen, indirect=True)


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Channels]":
    """The embedded network; started by the first test that needs it."""
    # Most runs of a single test do without.
    from tests.support.embedded_backend import Channels

    shared = Channels(tmp_path_factory.mktemp("embedded"))
    yield shared
    shared.close()


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == MEMORY:
        return InMemory()
    shared: Any = request.getfixturevalue(SHARED[request.param])
    backend: Backend = shared.fresh()
    return backend


@pytest.fixture
def in_memory() -> InMemory:
    return InMemory()


@pytest.fixture
def market(backend: Backend) -> Market:
    return Market(backend)
