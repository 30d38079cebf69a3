"""`countermark network` without Fabric: what is made, what is refused, and that a refusal changes nothing."""

import re
from pathlib import Path

import pytest

from countermark.network.topology import Mode, load
from tests.support.trees import tree
from tests.unit.cli.conftest import Run
from tests.unit.network.topology.descriptions import changed, default, line_of

NAMES = ("platform", "supervisor", "trader")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "network"


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    """Programs that answer `version`, and are not needed further."""
    for name in ("peer", "orderer"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\necho ' Version: v3.1.5'\n")
        path.chmod(0o755)
    return tmp_path / "bin"


def test_from_nothing_a_network_is_described_and_made_and_again_left_alone(run: Run, folder: Path) -> None:
    first = run("network", "generate", "--dir", folder, "--json")
    assert first.status == 0
    assert first.json == {
        "dir": str(folder),
        "organisations": list(NAMES),
        "channel": "market",
        "founded": True,
    }
    before = tree(folder)
    again = run("network", "generate", "--dir", folder, "--json")
    assert (again.status, again.json["founded"]) == (0, False)
    assert tree(folder) == before


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("consensus", ["raft", "bft"])
def test_mode_and_consensus_stand_in_the_description(run: Run, folder: Path, mode: Mode, consensus: str) -> None:
    assert run("network", "generate", "--dir", folder, "--mode", mode, "--consensus", consensus).status == 0
    topology = load(folder / "network.yaml")
    assert (topology.mode, topology.consensus) == (mode, consensus)


def test_two_networks_of_one_machine_share_no_port(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("network", "generate", "--dir", tmp_path / name).status == 0
    ports = [
        port
        for name in ("one", "two")
        for one in load(tmp_path / name / "network.yaml").organisations
        for node in one.nodes
        for port in node.ports
    ]
    assert len(ports) == len(set(ports))


def test_a_dry_run_writes_nothing(run: Run, folder: Path) -> None:
    shown = run("network", "generate", "--dir", folder, "--dry-run")
    assert (shown.status, str(folder) in shown.out) == (0, True)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("mode: native", "mod: native", "unknown_key"),
        ("listener: 7002", "listener: 7003", "port_clash"),
        ("part: supervisor", "part: member", "missing_organisation"),
        ("organisations:\n", "endorsement: TraderMSP\norganisations:\n", "impossible_policy"),
    ],
)
@pytest.mark.parametrize("verb", ["generate", "up", "down", "status", "deploy", "certs"])
def test_a_wrong_description_is_refused_with_line_and_reason_before_anything_is_written(
    run: Run, folder: Path, binaries: Path, verb: str, old: str, new: str, code: str
) -> None:
    folder.mkdir()
    text = changed(old, new)
    (folder / "network.yaml").write_text(text)
    before = tree(folder)
    options = ["--fabric-bin", binaries] if verb == "up" else []
    refused = run("network", verb, "--dir", folder, *options)
    assert (refused.status, refused.out) == (1, "")
    line = re.search(rf"error: {code}: {re.escape(str(folder))}/network\.yaml, line (\d+): ", refused.err)
    assert line, refused.err
    assert 1 <= int(line.group(1)) <= line_of(text, "name: peer1")
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mode", "compose"], "says mode: native"),
        (["--consensus", "bft"], "says consensus: raft"),
    ],
)
def test_an_option_that_contradicts_the_description_is_a_mistake(
    run: Run, folder: Path, options: list[str], words: str
) -> None:
    folder.mkdir()
    (folder / "network.yaml").write_text(default())
    before = tree(folder)
    refused = run("network", "generate", "--dir", folder, *options)
    assert (refused.status, words in refused.err) == (2, True)
    assert tree(folder) == before


@pytest.mark.parametrize("verb", ["up", "down", "status", "deploy", "certs"])
def test_without_a_description_it_says_what_writes_one(run: Run, folder: Path, verb: str) -> None:
    refused = run("network", verb, "--dir", folder)
    assert (refused.status, "`countermark network generate` writes one" in refused.err) == (2, True)
    assert not folder.exists()


def test_a_block_for_a_network_that_nobody_has_described_is_not_taken(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "genesis.block").write_bytes(b"block")
    refused = run("network", "generate", "--dir", folder, "--genesis", tmp_path / "genesis.block")
    assert (refused.status, "is missing" in refused.err) == (2, True)
    assert not folder.exists()


@pytest.fixture
def made(run: Run, folder: Path) -> Path:
    assert run("network", "generate", "--dir", folder).status == 0
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["up"],
        ["deploy"],
        ["upgrade", "--version", "1.1"],
        ["certs", "--renew", "--all"],
        ["join-org", "invite", "-o", "invitation.json"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_dry_run_says_what_would_happen_and_does_nothing(
    run: Run, made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before, beside = tree(made), tree(tmp_path)
    shown = run("network", *words, "--dir", made, "--dry-run")
    assert shown.status == 0
    assert shown.out
    assert (tree(made), tree(tmp_path)) == (before, beside)


def test_without_fabrics_programs_it_says_which_are_missing(run: Run, made: Path, tmp_path: Path) -> None:
    before = tree(made)
    (tmp_path / "empty").mkdir()
    refused = run("network", "up", "--dir", made, "--fabric-bin", tmp_path / "empty", "--json")
    assert refused.status == 1
    assert refused.json["error"]["code"] == "missing_binary"
    assert "peer and orderer of Hyperledger Fabric not found in" in refused.json["error"]["detail"]
    assert tree(made) == before


def test_another_mode_than_the_descriptions_is_a_mistake(run: Run, made: Path, binaries: Path) -> None:
    before = tree(made)
    refused = run("network", "up", "--dir", made, "--mode", "compose", "--fabric-bin", binaries)
    assert (refused.status, "says mode: native" in refused.err) == (2, True)
    assert tree(made) == before


def test_what_up_refuses_is_one_line_with_a_code(run: Run, made: Path, binaries: Path) -> None:
    (made / "genesis.block").unlink()
    before = tree(made)
    refused = run("network", "up", "--dir", made, "--fabric-bin", binaries)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith(f"error: no_genesis: {made}/genesis.block is missing")
    assert refused.err.count("\n") == 1
    assert tree(made) == before


def test_programs_that_do_not_serve_are_told_with_the_end_of_their_log(run: Run, made: Path, binaries: Path) -> None:
    """They answer `version`, and end at once when they are started."""
    failed = run("network", "up", "--dir", made, "--fabric-bin", binaries, "--json")
    assert (failed.status, failed.json["error"]["code"]) == (1, "not_started")
    assert "logs/orderer0.platform.log" in failed.json["error"]["detail"]
    # Another program may not have come to its end yet.
    run("network", "down", "--dir", made)
    assert run("network", "down", "--dir", made, "--json").json == {"ended": 0}
    # Nothing is in the way of another try.
    assert run("network", "up", "--dir", made, "--fabric-bin", binaries).status == 1


def test_nothing_that_runs_is_told_as_such(run: Run, made: Path) -> None:
    shown = run("network", "status", "--dir", made, "--json")
    assert (shown.status, shown.json["healthy"]) == (1, False)
    assert {one["detail"] for one in shown.json["nodes"]} == {"not running"}
    assert [one["kind"] for one in shown.json["nodes"]] == ["orderer"] * 3 + ["peer"] * 4
    lines = run("network", "status", "--dir", made)
    assert len(lines.out.splitlines()) == 7
    assert all("NOT WELL" in line for line in lines.out.splitlines())
    assert run("network", "down", "--dir", made, "--json").json == {"ended": 0}
    assert run("network", "down", "--dir", made, "--dry-run", "--json").json == {"dry_run": True, "running": []}


def test_a_demo_on_a_network_that_does_not_run_says_what_starts_it(run: Run, made: Path) -> None:
    told = run("demo", "--ledger", "fabric", "--dir", made, "--json")
    assert (told.status, told.json["error"]["code"]) == (1, "not_running")
    assert "countermark network up" in told.json["error"]["detail"]


# Three organisations, three folders


def own(name: str) -> str:
    head, *parts = re.split(r"^(?=  - name: )", default(), flags=re.MULTILINE)
    mine = next(part for part in parts if part.startswith(f"  - name: {name}\n"))
    return head + mine + "".join(f"  - definition: received/{one}.json\n" for one in NAMES if one != name)


def test_organisations_with_folders_of_their_own_found_one_channel(run: Run, tmp_path: Path) -> None:
    """Definitions are exchanged, one founds, the others take its block."""
    for name in NAMES:
        (tmp_path / name / "received").mkdir(parents=True)
        (tmp_path / name / "network.yaml").write_text(own(name))
        made = run("network", "generate", "--dir", tmp_path / name, "--json")
        assert (made.status, made.json["organisations"]) == (0, [name])
        assert len(made.json["awaited"]) == 2
        (definition,) = made.json["definitions"]
        assert "PRIVATE" not in Path(definition).read_text()
        assert run("network", "generate", "--dir", tmp_path / name, "--found").status == 1
        assert not (tmp_path / name / "genesis.block").exists()
    for name in NAMES:
        for other in set(NAMES) - {name}:
            data = (tmp_path / other / "definitions" / f"{other}.json").read_bytes()
            (tmp_path / name / "received" / f"{other}.json").write_bytes(data)
    waiting = run("network", "generate", "--dir", tmp_path / "trader", "--json")
    assert (waiting.status, waiting.json["founded"]) == (0, False)
    assert "one organisation makes it (--found), the others take it (--genesis)" in waiting.err
    assert run("network", "generate", "--dir", tmp_path / "platform", "--found", "--json").json["founded"]
    block = tmp_path / "platform" / "genesis.block"
    for name in ("supervisor", "trader"):
        taken = run("network", "generate", "--dir", tmp_path / name, "--genesis", block, "--json")
        assert (taken.status, taken.json["founded"]) == (0, False)
        assert (tmp_path / name / "genesis.block").read_bytes() == block.read_bytes()


def test_a_block_that_says_something_else_leaves_the_folder_as_it_was(run: Run, made: Path, tmp_path: Path) -> None:
    assert run("network", "generate", "--dir", tmp_path / "other").status == 0
    (made / "genesis.block").unlink()
    before = tree(made)
    refused = run("network", "generate", "--dir", made, "--genesis", tmp_path / "other" / "genesis.block", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "other_genesis")
    assert "Channel/Application/TraderMSP/MSP" in refused.json["error"]["detail"]
    assert tree(made) == before
