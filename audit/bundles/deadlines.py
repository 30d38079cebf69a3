"""Whose deadlines have run out, as far as the ledger alone shows it.

A trade's deadline is missed where `trade.enforce` applied its default: whose it was, the state before says. What lies
off the ledger (whether bytes came, when a receipt was given) no ledger shows.
"""

from collections import Counter
from typing import Any

from countermark.audit import records
from countermark.audit.records import State
from countermark.network.blocks import Block
from countermark.protocol import times, transitions
from countermark.protocol.transitions import Actor, TradeState

_PLATFORMS = frozenset({"relay", "check"})
"""Clocks of the states UPLOADED and RECEIVED, in which it is the platform's turn."""


class Deadlines:
    """Counts deadlines that were missed in the blocks of one market, and keeps the time of the last one."""

    def __init__(self, chaincode: str) -> None:
        self._chaincode = chaincode
        self._missed: Counter[str] = Counter()
        self._found: list[str] = []
        self._now_ms = 0
        self._time_ms = 0

    @property
    def now_ms(self) -> int:
        """The latest time that a client wrote into a valid transaction, in ms since the epoch."""
        return self._now_ms

    def begin_block(self, block: Block, state: State) -> None:
        """Look at what ``block``, which may yet turn out not to hold, enforces on the ``state`` before it."""
        self._found.clear()
        self._time_ms = self._now_ms
        for transaction in block.transactions:
            if not transaction.valid or transaction.chaincode != self._chaincode:
                continue
            self._time_ms = max(self._time_ms, transaction.timestamp_ms)
            if transaction.function != "trade.enforce" or not transaction.writes or not transaction.args:
                continue
            record = records.find(state, f"trade/{transaction.args[0].decode(errors='replace')}")
            if record is not None and (default := _default(record)) is not None:
                self._found.append(default.clock)

    def end_block(self) -> None:
        """Count what was found in the block, which holds."""
        self._missed.update(self._found)
        self._now_ms = self._time_ms

    def report(self, state: State) -> dict[str, Any]:
        """Return how many deadlines were missed by clock and by the platform, and which trades wait for `enforce`.

        ``overdue`` are trades whose deadline and guard had passed at the latest time that a client wrote.
        """
        overdue: Counter[str] = Counter()
        for key, value in state.items():
            if records.family(key) != "trade":
                continue
            record = records.parse(key, value)
            default = _default(record)
            if default is not None and self._now_ms >= _due_ms(record):
                overdue[default.clock] += 1
        return {
            "missed": dict(sorted(self._missed.items())),
            "missed_by_platform": sum(self._missed[clock] for clock in _PLATFORMS),
            "overdue": dict(sorted(overdue.items())),
            "as_of": times.to_text(self._now_ms),
        }


def _default(record: records.Record) -> transitions.Default | None:
    decider = Actor(record["decider"]) if record["decider"] else None
    return transitions.find_default(TradeState(record["state"]), decider)


def _due_ms(record: records.Record) -> int:
    return times.from_text(record["deadline"]) + int(record["guard"]) * 1000
