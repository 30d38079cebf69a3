"""docs/network.md names what the reader of network.yaml knows, what is made of it, and no more."""

import re
from pathlib import Path

import pytest

from countermark.cli.network import command
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.topology import Mode, TopologyError, load, parse_topology
from tests.support.clock import now_ms
from tests.support.pages import ROOT
from tests.unit.network.topology.descriptions import changed, default

PAGE = (ROOT / "docs" / "network.md").read_text()
YAML = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

POLICY = "endorsement: {out_of: 1, of: [SupervisorMSP], x: 1}\norganisations:\n"
LEVELS = {
    "Network": ("mode: native", "x: native", ""),
    "Chaincode": ('"1.0"}', '"1.0", x: 1}', ""),
    "Batch": ("batch: {", "batch: {x: 1, ", ""),
    "Organisation": ("    part: platform", "    x: platform", ""),
    "Peer": ("        host: ", "        x: 1\n        host: ", ""),
    "Orderer": ("    orderers:\n      - name", "    orderers:\n      - x: 1\n        name", ""),
    "Endorsement": ("organisations:\n", POLICY, ""),
    "Peer ports": ("{peer: ", "{x: 1, peer: ", "ports."),
    "Orderer ports": ("{orderer: ", "{x: 1, orderer: ", "ports."),
}
"""For each table of keys a change that puts an unknown key there, and what stands before the keys on the page."""


def section(title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found.group(1)


def documented(title: str) -> set[str]:
    return set(re.findall(r"^\| `([\w.]+)` \|", section(title), re.MULTILINE))


def known(level: str) -> set[str]:
    """The keys that the refusal of an unknown one names."""
    old, new, prefix = LEVELS[level]
    with pytest.raises(TopologyError, match="known here: ") as refused:
        parse_topology(changed(old, new).encode(), Path())
    return {f"{prefix}{key}" for key in refused.value.detail.partition("known here: ")[2].split(", ")}


@pytest.mark.parametrize("title", ["Network", "Chaincode", "Batch", "Organisation", "Endorsement"])
def test_every_key_is_documented_and_no_other(title: str) -> None:
    assert documented(title) == known(title)


@pytest.mark.parametrize("title", ["Peer", "Orderer"])
def test_every_key_of_a_node_and_of_its_ports_is_documented_and_no_other(title: str) -> None:
    assert documented(title) == known(title) | known(f"{title} ports")


def test_key_of_an_organisation_elsewhere_is_documented() -> None:
    assert documented("Organisation elsewhere") == {"definition"}


@pytest.mark.parametrize("text", YAML, ids=range(len(YAML)))
def test_example_is_a_description_whose_definitions_are_yet_to_come(text: str, tmp_path: Path) -> None:
    topology = parse_topology(text.encode(), tmp_path, awaiting=True)
    assert [path.parent.name for path in topology.awaited] == ["definitions", "definitions"]


def test_values_without_a_key_are_those_of_the_page() -> None:
    text = re.sub(r"^(mode|consensus|batch): .*\n|    part: member\n", "", default(), flags=re.MULTILINE)
    topology = parse_topology(text.encode(), Path())
    rows = dict(re.findall(r"^\| `([\w.]+)` \|.*\| ([^|]*) \|$", PAGE, re.MULTILINE))
    assert f"`{topology.mode}`" == rows["mode"]
    assert f"`{topology.consensus}`" == rows["consensus"]
    assert f"`{topology.organisations[-1].part}`" == rows["part"]
    assert (str(topology.batch.timeout_ms), str(topology.batch.max_messages)) == (
        rows["timeout_ms"],
        rows["max_messages"],
    )


def test_every_verb_is_documented() -> None:
    documented = re.findall(r"^\| `countermark network ([\w-]+)", PAGE, re.MULTILINE)
    assert sorted(documented) == sorted(command.commands)


@pytest.mark.parametrize("mode", list(Mode))
def test_everything_in_a_folder_is_documented(mode: Mode, tmp_path: Path) -> None:
    folder = NetworkFolder(tmp_path)
    folder.description.write_text(default(mode))
    generate(folder, load(folder.description), now_ms=now_ms(), found=True)
    rows = re.findall(r"^\| (`.*?`) \|", section("The folder"), re.MULTILINE)
    named = {name.rstrip("/") for row in rows for name in re.findall(r"`([\w./-]+)`", row)}
    assert not {path.name for path in tmp_path.iterdir()} - named
