"""Endorsers on other machines reach the same bytes, or nothing is ever endorsed."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from countermark.chaincode.registry import FUNCTIONS
from countermark.protocol.errors import MarketError
from tests.support.every_function import ANYONE, EveryFunction
from tests.support.figures import show
from tests.support.market import PATHS, SUPERVISOR, TRADER, Market
from tests.support.sizes import size
from tests.support.transcripts import Recording

ROOT = Path(__file__).resolve().parents[2]
MACHINES = (
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LANG": "C", "LC_ALL": "C.UTF-8"},
)
TRANSACTIONS = size(500, 20_000)

SEALED = {"audit.opening"}
"""Its answer is sealed anew for whoever asks, under fresh randomness; nobody endorses what is only evaluated."""


def every_function() -> Recording:
    """Every function: as it succeeds, as it repeats its outcome, and as it is refused."""
    backend = Recording()
    every = EveryFunction(backend)
    evaluate_all(every.market)
    for function, call in every.calls.items():
        arguments = call.arguments(every.market)
        for msp in (*ANYONE, call.by[-1]):
            try:
                every.submit(function, msp=msp, arguments=arguments)
            except MarketError:
                continue
    return backend


def every_end() -> Recording:
    """Trades that end in every way, with refusals among them."""
    backend = Recording()
    market = Market(backend)
    for number, state in enumerate(PATHS):
        trade_id = market.bring_to(state, market.list_data(data=b"%d" % number)["id"])
        for function in ("trade.confirm", "trade.cancel", "trade.accept"):
            try:
                market.act(function, trade_id)
            except MarketError:
                continue
        while market.trade(trade_id)["deadline"]:
            market.expire()
            market.enforce(trade_id)
    return backend


def evaluate_all(market: Market) -> None:
    trade_id, address = next(iter(market.records("trade/"))), next(iter(market.records("listing/")))
    for noun in ("market", "clock", "board"):
        market.backend.evaluate(TRADER, f"{noun}.show")
    market.backend.evaluate(TRADER, "intent.show", *next(iter(market.records("intent/"))).split("/"))
    market.backend.evaluate(SUPERVISOR, "audit.trade", trade_id)
    market.backend.evaluate(SUPERVISOR, "audit.listing", address)
    market.backend.evaluate(SUPERVISOR, "audit.claim", next(iter(market.records("claim/"))))
    market.backend.evaluate(SUPERVISOR, "audit.account", market.seller.address)
    market.backend.evaluate(SUPERVISOR, "audit.history", f"trade/{trade_id}")


def run_again(ledgers: str, machine: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.transcripts"],
        cwd=ROOT,
        env={**os.environ, **machine},
        input=ledgers,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    digests: list[str] = json.loads(done.stdout)
    return digests


@pytest.mark.timeout(7_200)
def test_two_processes_with_other_hash_seed_time_zone_and_locale_agree_on_every_byte() -> None:
    recorded: list[Recording] = []
    transactions = 0
    while transactions < TRANSACTIONS:
        recorded += [every_function(), every_end()]
        transactions = sum(call["kind"] == "submit" for one in recorded for call in one.calls)
    ledgers = json.dumps([one.calls for one in recorded])
    with ThreadPoolExecutor(len(MACHINES)) as pool:
        transcripts = list(pool.map(lambda machine: run_again(ledgers, machine), MACHINES))
    assert transcripts == [[one.ledger.transcript for one in recorded]] * len(MACHINES)
    called = {call["function"] for one in recorded for call in one.calls}
    assert called == set(FUNCTIONS) - SEALED
    show(
        f"determinism of chaincode: {transactions:,} transactions of {len(called)} functions, the same bytes in "
        f"{len(MACHINES) + 1} processes with other hash seed, time zone and locale"
    )
