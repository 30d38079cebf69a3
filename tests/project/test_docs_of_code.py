"""What the code takes and shows is in the documentation: routes, settings, variables, figures, events, targets."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from countermark.chaincode.server import main as chaincode_main
from countermark.gateway.config import MemberConfig, PlatformConfig
from countermark.network.compose import images
from countermark.network.embedded.settings import OrganisationSettings, Settings, save
from countermark.network.lifecycle.definition import market_definition
from countermark.network.nodes.external_builder import CONFIGURATION
from docs.generators import http
from tests.support.alerts import alerts
from tests.support.market import config_json
from tests.support.pages import ROOT

PARTS = ("audit", "chaincode", "cli", "client", "faults", "fingerprint", "gateway", "network", "platform", "protocol")
OPERATIONS_PAGE = (ROOT / "docs" / "operations.md").read_text()

_OWN_VARIABLE = re.compile(r"(?:COUNTERMARK|CHAINCODE)_[A-Z_]+")
_ANY_VARIABLE = re.compile(rf"{_OWN_VARIABLE.pattern}|environ|getenv")
"""Stands in every module that reads one: every process of a run collects these tests, so most are not parsed."""


def _trees(*parts: str, with_any: re.Pattern[str] | None = None) -> Iterator[ast.Module]:
    for part in parts:
        for path in sorted((ROOT / part).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if with_any is None or with_any.search(text):
                yield ast.parse(text)


def _constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _variables(tree: ast.Module) -> Iterator[str]:
    """Yield the environment variables that a module reads: its own by their prefix, others by how they are read."""
    yield from filter(_OWN_VARIABLE.fullmatch, _constants(tree))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("get", "getenv")
        ):
            where, what = ast.unparse(node.func), node.args[:1]
        elif isinstance(node, ast.Subscript):
            where, what = ast.unparse(node.value), [node.slice]
        else:
            continue
        # WSGI calls the description of a request `environ` too, but no module's.
        if re.search(r"^os\.(environ|getenv)\b|\b_?environment\b", where):
            yield from (one.value for one in what if isinstance(one, ast.Constant) and isinstance(one.value, str))


VARIABLES = sorted(
    {"COUNTERMARK_NIGHTLY", *(name for tree in _trees(*PARTS, with_any=_ANY_VARIABLE) for name in _variables(tree))}
)


def _section(title: str) -> str:
    """Return the part of the page of operations below the heading `title`, up to the next of any level."""
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", OPERATIONS_PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found.group(1)


def _members(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        yield name
        if isinstance(value, Mapping):
            yield from _members(value)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in http.operations()])
def test_every_route_is_documented(method: str, path: str) -> None:
    assert f"### `{method} {path}`" in (ROOT / "docs" / "http-operations.md").read_text()


def test_variables_are_found() -> None:
    """Otherwise the next test would show nothing."""
    assert {"DATABASE_URL", "PG_BIN", "LOG_LEVEL", "COUNTERMARK_HOME", "CHAINCODE_ID"} <= set(VARIABLES)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_environment_variable_is_documented(name: str) -> None:
    assert f"`{name}`" in _section("Environment")


def test_no_variable_is_documented_that_nothing_reads() -> None:
    documented = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", _section("Environment"))
    assert set(documented) == set(VARIABLES)


@pytest.mark.parametrize(
    "name", sorted({one.name for kind in (PlatformConfig, MemberConfig) for one in fields(kind)})
)
def test_every_setting_of_the_gateway_is_documented(name: str) -> None:
    assert re.search(rf"^\| (?:`\w+`, )*`{name}`", OPERATIONS_PAGE, re.MULTILINE)


def test_every_setting_of_the_embedded_peer_is_documented(tmp_path: Path) -> None:
    definition = market_definition("countermark", "1", ["A", "B", "C"], platform="A", supervisor="B")
    save(Settings("market", definition, "id", (OrganisationSettings("o", "OMSP"),)), tmp_path / "embedded.json")
    document = json.loads((tmp_path / "embedded.json").read_text())
    one_of_each = {"organisations": document["organisations"][0], **document["chaincode"]["collections"][0]}
    page = _section("Embedded peer")
    assert not [name for name in (*_members(document), *_members(one_of_each)) if f"`{name}`" not in page]


def test_every_member_of_the_market_configuration_is_documented() -> None:
    document = config_json()
    for member in ("platform", "supervisor", "arbiters", "issuers", "organisations", "deadlines"):
        document[member] = ""
    assert not [name for name in _members(document) if f"`{name}`" not in _section("Market")]


def test_the_table_of_figures_is_what_the_code_shows() -> None:
    """By name and kind, in both directions."""
    kinds = {"Gauge": "gauge", "Counter": "counter", "Histogram": "histogram"}
    shown = {}
    for tree in _trees("gateway/metrics"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                name = ast.unparse(node.args[0]).strip("'")
                if node.func.id in ("_gauge", "_labelled"):
                    shown[f"countermark_{name}"] = "gauge"
                elif name.startswith("countermark_"):
                    kind = kinds[node.func.id.removesuffix("MetricFamily")]
                    shown[f"{name}_total" if kind == "counter" else name] = kind
    documented = dict(re.findall(r"^\| `(countermark_\w+)` \| (\w+) \|", _section("Figures"), re.MULTILINE))
    assert len(shown) > 25
    assert documented == shown


def test_the_table_of_alerts_is_what_prometheus_is_told() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| \S", _section("Alerts"), re.MULTILINE)
    documented = [name for row in rows for name in re.findall(r"\w+", row)]
    assert sorted(documented) == sorted(alert.name for alert in alerts())


def test_every_event_that_is_logged_is_documented() -> None:
    events = {
        node.args[0].value
        for tree in _trees("gateway")
        if "structlog.stdlib" in ast.unparse(tree)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log.")
        if isinstance(node.args[0], ast.Constant) and not node.args[1:]
    }
    documented = set(re.findall(r"^\| `([^`]+)` \|[^|]*\| `", _section("Logs"), re.MULTILINE))
    assert {"request", "mistake"} <= events
    assert documented == events


def test_every_target_of_the_makefile_is_documented() -> None:
    targets = re.findall(r"^(\w+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    table = (ROOT / "CONTRIBUTING.md").read_text()
    assert {"demo", "test", "lint", "docs"} <= set(targets)
    assert not [target for target in targets if f"`make {target}`" not in table]


def test_help_of_the_chaincode_process_names_its_variables(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        chaincode_main(["--help"])
    shown = capsys.readouterr().out
    others = {CONFIGURATION, images.VARIABLE}
    names = {name for name in VARIABLES if name.startswith("CHAINCODE_")} - others
    assert not [name for name in names if name not in shown]
