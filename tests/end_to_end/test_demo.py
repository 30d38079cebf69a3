"""The main job, as a newcomer runs it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.photographs import photograph
from tests.support.whole_platform import COUNTERMARK


@pytest.mark.slow
@pytest.mark.requirement("R21", "R23", "R25", "R38", "R40", "R44", "R46", "R49", "R50", "R65", "R76", "R77", "R94")
def test_demo_shows_every_step_the_refusals_and_the_supervisors_account(tmp_path: Path) -> None:
    """With --json it tells its story aside, and for programs it is one document."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(5):
        photograph(photos / f"{seed}.jpg", 900 + seed)
    (photos / "0-broken.jpg").write_bytes(b"no photograph")
    done = subprocess.run(
        [COUNTERMARK, "demo", "--photos", str(photos), "--keep", str(tmp_path / "kept"), "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    shown = {int(number) for number in re.findall(r"^ *\((\d+)", done.stderr, re.MULTILINE)}
    assert shown >= set(range(1, 25)) - {3, 17, 21}
    for code in ("similar_registered", "insufficient_funds"):
        assert f"refused {code}" in done.stderr
    assert "leaving out 0-broken.jpg" in done.stderr
    assert "the buyer has his money back" in done.stderr
    assert "the seller was paid" in done.stderr
    assert "all money:" in done.stderr
    assert done.stdout.count("\n") == 1
    document = json.loads(done.stdout)
    assert document["steps"] == list(range(1, 25))
    assert document["refusals"] == ["similar_registered", "insufficient_funds"]
    assert [trade["state"] for trade in document["trades"]] == ["SETTLED", "SETTLED"]
    assert len(document["owners"]) == 3


def test_a_dry_run_starts_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = subprocess.run(
        [COUNTERMARK, "demo", "--dry-run", "--keep", str(kept), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["dry_run"] is True
    assert not kept.exists()


@pytest.mark.requirement("R16", "R31", "R62", "A-09")
def test_the_demo_of_collections_lists_searches_sells_and_traces_a_collection_and_a_table(tmp_path: Path) -> None:
    done = subprocess.run(
        [COUNTERMARK, "demo", "--scenario", "collections"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    refusals = re.findall(r": refused (\w+)", done.stdout)
    assert refusals == ["wrong_state", "similar_registered", "under_review", "similar_registered"]
    assert re.findall(r"^  trade \w+: (\w+)", done.stdout, re.MULTILINE) == ["SETTLED", "SETTLED"]
    assert done.stdout.count("traced ") == 2


@pytest.mark.slow
@pytest.mark.requirement("R68", "R69", "R70", "R75", "R76", "A-08")
def test_the_demo_of_disputes_gives_the_money_to_whom_it_belongs(tmp_path: Path) -> None:
    done = subprocess.run(
        [COUNTERMARK, "demo", "--scenario", "disputes", "--json", "--keep", str(tmp_path / "kept")],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for finding in ("false_fingerprint", "other_data", "as_registered"):
        assert f"finds {finding}" in done.stderr
    assert "the contract is VOID" in done.stderr
    money = json.loads(done.stdout)["money"]
    gained = {
        chapter: {name: told["after"][name] - had for name, had in told["before"].items()}
        for chapter, told in money.items()
    }
    # Management fee 1.00, bond 5.00, the arbiter's fee 3.00, price 150.00, transaction fee 2.5 %.
    assert gained == {
        "false fingerprint": {"forger": -600, "buyer": 200, "arbiter": 300},
        "other data": {"swindler": -600, "buyer": 200, "arbiter": 300},
        "denied receipt": {"honest seller": 15_000 - 375 - 100 + 200, "lying buyer": -15_500, "arbiter": 300},
        "no-show": {"idle seller": -600, "waiting buyer": 500},
        # The loser's deposit of 10.00 pays the fee; the winner pays for listing his own.
        "ownership claim": {"photographer": 600, "idle seller": -1_000, "waiting buyer": 0, "supervisor": 300},
        "silent buyer": {"second seller": 15_000 - 375 - 100 + 500, "silent buyer": -15_500},
    }
