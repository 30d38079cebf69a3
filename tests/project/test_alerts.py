"""The rules by which Prometheus warns are rules, and look at figures that there are."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.support.alerts import FOLDER, OF_BFT_ORDERERS, OF_ORDERERS, OF_PEERS, Alert, alerts, figures_of

ALERTS = alerts()

OF_PROMETHEUS = {"up"}


def test_each_alert_has_a_name_of_its_own() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(names) == len(set(names)) > 20


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_a_rule_over_figures_that_somebody_has(alert: Alert) -> None:
    names = figures_of(alert.expression)
    assert names
    others = {name for name in names if not name.startswith("countermark_")}
    assert others <= OF_PEERS | OF_ORDERERS | OF_BFT_ORDERERS | OF_PROMETHEUS
    assert alert.severity in ("critical", "warning")
    assert alert.summary


@pytest.mark.parametrize(
    "expression", ["max(countermark_open_transactions > 1", "rate(up)", "up{job=gateway}", "up ==", "sum by (up"]
)
def test_what_is_no_expression_is_found(expression: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser has no other
        figures_of(expression)


def test_figures_are_found_wherever_they_stand_in_an_expression() -> None:
    expression = "max by (c) (a - on (c) group_right () sum(rate(b[5m])) > -(d)) or topk(3, max_over_time(e[10m:1m]))"
    assert figures_of(expression) == {"a", "b", "d", "e"}


def test_every_alert_is_raised_in_a_test_of_promtool() -> None:
    raised = re.findall(r'alertname="(\w+)"', (FOLDER / "alerts.test.yml").read_text())
    assert set(raised) == {alert.name for alert in ALERTS}


def test_everything_that_alerts_look_at_is_asked_for() -> None:
    document = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert document["rule_files"] == ["alerts.yml"]
    jobs = {one["job_name"] for one in document["scrape_configs"]}
    assert {"gateway", "worker", "peer", "orderer"} <= jobs
    named = re.findall(r'job="(\w+)"', (FOLDER / "alerts.yml").read_text())
    assert set(named) <= jobs


@pytest.mark.promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_has_nothing_against_it(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    assert promtool
    done = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
