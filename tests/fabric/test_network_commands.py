"""`countermark network` on Fabric's programs: up from nothing, up after crashes, up again after being interrupted."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import WAIT_S
from tests.support.fabric.operators import Operator, operator
from tests.support.figures import show
from tests.support.whole_platform import COUNTERMARK

pytestmark = pytest.mark.fabric

KINDS = ["orderer"] * 3 + ["peer"] * 4 + ["chaincode"] * 4
READY = {"channel": "market", "chaincode": "countermark", "ready": True, "missing": []}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The default network, which runs when a test begins and when it ends."""
    folder = tmp_path_factory.mktemp("network") / "own"
    with operator(folder) as network:
        assert network.do("generate")["founded"]
        begun = time.monotonic()
        assert network.do("up") == {"dir": str(folder), **READY}
        show(f"network of 7 nodes from nothing to ready: {time.monotonic() - begun:.1f} s, 20 s are allowed")
        yield network


def heights(nodes: dict[str, dict[str, Any]]) -> dict[str, int]:
    return {name: one["height"] for name, one in nodes.items() if one["kind"] != "chaincode"}


def test_every_node_is_healthy_and_has_the_same_blocks(network: Operator) -> None:
    status, nodes = network.status()
    assert status == 0
    assert [one["kind"] for one in nodes.values()] == KINDS
    assert all(one["healthy"] for one in nodes.values())
    assert len(set(heights(nodes).values())) == 1
    assert {one["detail"] for one in nodes.values() if one["kind"] == "orderer"} == {"consenter, active"}


def test_up_on_what_runs_restarts_nothing_and_adds_no_block(network: Operator) -> None:
    _, before = network.status()
    assert network.do("up")["ready"]
    assert network.do("generate")["founded"] is False
    assert network.status() == (0, before)


def test_what_was_killed_is_told_and_brought_back_and_nothing_else(network: Operator) -> None:
    """A peer, the contracts beside another, and an orderer, at once."""
    before = network.pids()
    killed = {"peer0.trader", "chaincode.peer0.supervisor.odd", "orderer0.supervisor"}
    for name in killed:
        os.kill(before[name], signal.SIGKILL)
    status, nodes = network.status()
    assert status == 1
    assert {name for name, one in nodes.items() if not one["healthy"]} == killed
    assert {name: one["pid"] for name, one in nodes.items()} == before | dict.fromkeys(killed)
    network.do("up")
    status, nodes = network.status()
    assert status == 0
    after = {name: one["pid"] for name, one in nodes.items()}
    assert {name for name in after if after[name] != before[name]} == killed


@pytest.mark.requirement("R94")
def test_demo_runs_on_it_and_leaves_it_running(network: Operator, tmp_path: Path) -> None:
    before = network.pids()
    done = subprocess.run(
        [COUNTERMARK, "demo", "--ledger", "fabric", "--dir", network.folder, "--keep", tmp_path / "kept"],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "all money:" in done.stdout
    assert "the buyer has his money back" in done.stdout
    assert network.pids() == before


def test_ledgers_outlive_down(network: Operator) -> None:
    _, before = network.status()
    assert network.do("down") == {"ended": len(KINDS)}
    assert network.processes() == []
    status, nodes = network.status()
    assert status == 1
    assert {one["pid"] for one in nodes.values()} == {None}
    assert network.do("down") == {"ended": 0}
    assert network.do("up")["ready"]
    status, nodes = network.status()
    assert status == 0
    assert heights(nodes) == heights(before)


def test_another_genesis_block_is_not_put_under_their_ledgers(network: Operator) -> None:
    genesis = network.folder / "genesis.block"
    before, pids = genesis.read_bytes(), network.pids()
    genesis.unlink()
    try:
        assert network.do("generate")["founded"]
        refused = network.call("up")
        assert (refused.status, refused.json["error"]["code"]) == (1, "other_network")
    finally:
        genesis.write_bytes(before)
    assert network.pids() == pids
    assert network.do("up")["ready"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_up_that_was_cut_short_at_any_moment_is_gone_on_with(tmp_path: Path, number: int) -> None:
    """Twice over: what the first left half done, the second finds, and leaves half done again."""
    moments = [random.uniform(0.2, 4.0) for _ in range(2)]
    with operator(tmp_path / "network") as network:
        network.do("generate")
        for moment in moments:
            status = network.interrupt("up", moment, number)
            assert status in (None, 1 if number == signal.SIGINT else -number), f"at {moments}"
        assert network.do("up")["ready"], f"at {moments}"
        status, nodes = network.status()
        assert (status, [one["kind"] for one in nodes.values()]) == (0, KINDS), f"at {moments}"
        assert sorted(network.processes()) == sorted(one["pid"] for one in nodes.values()), f"at {moments}"
        assert network.do("down") == {"ended": len(KINDS)}
        assert network.processes() == [], f"at {moments}"


def test_four_orderers_under_bft_go_on_without_one(tmp_path: Path) -> None:
    with operator(tmp_path / "network") as network:
        network.do("generate", "--consensus", "bft")
        assert network.do("up")["ready"]
        status, nodes = network.status()
        orderers = [one for one in nodes.values() if one["kind"] == "orderer"]
        assert (status, len(orderers)) == (0, 4)
        os.kill(orderers[-1]["pid"], signal.SIGKILL)
        # A new definition needs blocks.
        upgraded = network.do("upgrade", "--version", "1.1")
        assert (upgraded["committed"], upgraded["sequence"]) == (True, 2)
        assert network.do("up")["ready"]
        assert network.status()[0] == 0
