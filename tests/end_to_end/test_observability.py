"""What a running platform shows of its work: figures, and lines that name the trade that they are about."""

import json
import os
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.platform.observing.about import TRADE, TXID
from tests.end_to_end.test_trade_by_cli import agreed_sale, opened
from tests.end_to_end.test_trade_by_https import Party
from tests.support.alerts import alerts, figures_of
from tests.support.large_data import processes
from tests.support.scraped import Scraped
from tests.support.whole_platform import Platform

LOGS = ("gateway", "worker", "chaincode-platform", "chaincode-supervisor", "chaincode-trader")


def trusted(platform: Platform) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(platform.ca_file))


def of_gateway(platform: Platform) -> str:
    return httpx.get(f"{platform.url}/metrics", verify=trusted(platform)).text


def of_worker(platform: Platform) -> str:
    address = json.loads((platform.data / "gateway" / "config.json").read_text())["metrics"]
    assert address.startswith("127.0.0.1:"), "nobody else need know"
    return httpx.get(f"http://{address}/metrics").text


@contextmanager
def standing_still(platform: Platform) -> Iterator[None]:
    """The worker does nothing within the block."""
    (pid,) = processes("countermark.gateway.worker", platform)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.slow
def test_every_figure_that_an_alert_looks_at_is_shown_by_gateway_or_worker(
    tmp_path: Path, platform: Platform
) -> None:
    opened(tmp_path, "somebody", platform, "100")  # so that there was a request, and a transaction
    shown = {name for text in (of_gateway(platform), of_worker(platform)) for name in exported(text)}
    wanted = {name for alert in alerts() for name in figures_of(alert.expression) if name.startswith("countermark_")}
    assert len(wanted) > 12
    assert wanted <= shown


def exported(text: str) -> Iterator[str]:
    """The names of the samples that a text has or will have: those of an empty family follow from its kind."""
    suffixes = {"gauge": [""], "counter": [""], "histogram": ["_bucket", "_count", "_sum"]}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            yield from (name + suffix for suffix in suffixes.get(kind, []))


@pytest.mark.slow
def test_the_lag_of_a_worker_that_stands_still_is_seen_by_the_gateway(platform: Platform) -> None:
    person = Party(platform)
    with standing_still(platform):
        before = Scraped.of(of_gateway(platform))
        # Nobody applies its block, so nobody may say that it is done.
        fund = {"amount": "7", "reference": "while-nobody-looks"}
        asked = person.request("POST", f"/v1/accounts/{person.key.address}/fund", json=fund)
        assert asked.status_code == 202
        found = before
        while not found("projector_lag_blocks"):
            found = Scraped.of(of_gateway(platform))
        assert found("ledger_blocks") > found("projected_blocks")
    while found("projector_lag_blocks"):
        found = Scraped.of(of_gateway(platform))
    assert found("projector_lag_seconds") == 0


@pytest.mark.slow
def test_every_line_about_a_trade_names_it_and_its_transaction(tmp_path: Path, platform: Platform) -> None:
    seller, buyer, trade, _ = agreed_sale(tmp_path, platform, 91)
    seller.run("trade", "send", trade)
    buyer.run("trade", "wait", trade, "SENT")
    buyer.run("trade", "receive", trade, "-o", str(tmp_path / "bought.jpg"))
    buyer.run("trade", "wait", trade, "MATCHED")
    buyer.run("trade", "confirm", trade)
    history = buyer.run("trade", "show", trade)["history"]
    txids = {step["txid"]: step["function"] for step in history}
    assert len(txids) == 7

    written = {name: lines(platform, name) for name in LOGS}
    for name, found in written.items():
        for line in found:
            assert {"event", "time", "level", "logger", "process"} <= line.keys(), (name, line)
    ours = [line for name in ("gateway", "worker") for line in written[name]]
    for line in ours:
        said = json.dumps(line)
        if trade in said:
            assert line[TRADE] == trade
            assert "/v1/trades/tr1" not in said, "a path would link requests whatever they ask for"
        if any(txid in said for txid in txids):
            assert (line[TRADE], line[TXID] in txids) == (trade, True), line
    for txid, function in txids.items():
        about = [line for line in ours if line.get(TXID) == txid]
        assert [line for line in about if line["event"].startswith(f"{function} in block ")], function
        assert [line for line in about if line["event"] == f"{function} ends as COMMITTED"], function
    asked = [line for line in written["gateway"] if line["event"] == "request" and line.get(TXID) in txids]
    assert {txids[line[TXID]] for line in asked} >= {"trade.pay", "trade.charge", "trade.send", "trade.confirm"}


def lines(platform: Platform, name: str) -> list[dict[str, Any]]:
    """The lines of a log, each of them JSON."""
    written = (platform.data / "logs" / f"{name}.log").read_text().splitlines()
    assert written, name
    return [json.loads(line) for line in written]
