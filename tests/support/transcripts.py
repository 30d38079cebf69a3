"""Record what clients ask of a ledger in memory, and run it again in any process.

`python -m tests.support.transcripts` reads lists of calls on stdin, one for each ledger, and prints for each the
digest of everything that endorsers sign: read sets, write sets, responses and events.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from countermark.chaincode.registry import handler
from countermark.chaincode.testing import Ledger
from countermark.protocol.encoding import b64u, unb64u
from tests.support.backends import Committed, InMemory, certificate


class Recording(InMemory):
    """A ledger in memory that keeps every call; a call of it may then be made again elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[dict[str, Any]] = []

    def submit(
        self,
        msp: str,
        function: str,
        *args: str,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
    ) -> Committed:
        secret = {name: b64u(value) for name, value in (transient or {}).items()}
        self._keep("submit", msp, function, args, secret, unit)
        return super().submit(msp, function, *args, transient=transient, unit=unit)

    def evaluate(self, msp: str, function: str, *args: str) -> Any:
        self._keep("evaluate", msp, function, args, {}, "client")
        return super().evaluate(msp, function, *args)

    def _keep(
        self, kind: str, msp: str, function: str, args: tuple[str, ...], transient: dict[str, str], unit: str
    ) -> None:
        self.calls.append(
            {
                "args": args,
                "function": function,
                "kind": kind,
                "msp": msp,
                "timestamp_ms": self.now_ms,
                "transient": transient,
                "unit": unit,
            }
        )


def replay(calls: list[dict[str, Any]]) -> str:
    """Make the calls on a fresh ledger and return the digest of their outcomes."""
    ledger = Ledger(handler)
    for call in calls:
        ledger.now_ms = call["timestamp_ms"]
        if call["kind"] == "evaluate":
            ledger.evaluate(call["msp"], call["function"], *call["args"])
        else:
            ledger.invoke(
                call["msp"],
                call["function"],
                *call["args"],
                transient={name: unb64u(value) for name, value in call["transient"].items()},
                certificate=certificate(call["unit"]),
            )
    return ledger.transcript


if __name__ == "__main__":
    json.dump([replay(calls) for calls in json.load(sys.stdin)], sys.stdout)
