"""Endorsers on other machines reach the same bytes, or nothing is ever endorsed."""

import json
import os
import subprocess
import sys
from pathlib import Path

from countermark.protocol.errors import MarketError
from tests.support.market import PATHS, Market
from tests.support.transcripts import Recording

ROOT = Path(__file__).resolve().parents[2]
MACHINES = (
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LANG": "C", "LC_ALL": "C.UTF-8"},
)
TRANSACTIONS = 500


def everything() -> Recording:
    """Trades that end in every way, with refusals among them, until there are enough transactions."""
    backend = Recording()
    market = Market(backend)
    number = 0
    while len(backend.calls) < TRANSACTIONS:
        for state in PATHS:
            number += 1
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


def test_two_processes_with_other_hash_seed_time_zone_and_locale_agree_on_every_byte() -> None:
    backend = everything()
    calls = json.dumps(backend.calls)
    transcripts = {
        subprocess.run(
            [sys.executable, "-m", "tests.support.transcripts"],
            cwd=ROOT,
            env={**os.environ, **machine},
            input=calls,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for machine in MACHINES
    }
    assert transcripts == {backend.ledger.transcript}
