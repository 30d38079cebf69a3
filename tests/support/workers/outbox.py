"""Drives the rows of an outbox to their ends, over an embedded peer, until none is open.

Stuck, it takes six rows: two of them it never has endorsed, two never hands over, and of two it never learns the end.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from countermark.gateway.ledger import FabricLedger
from countermark.network.client import ConnectionProfile, GatewayClient
from countermark.platform import ports
from countermark.platform.store import channels
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Outbox, Submitter, queue
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import func, select
from countermark.platform.store.tables import outbox
from tests.support.workers.stuck import halt

BOX = SecretBox({1: b"k" * 32}, 1)
STUCK_ROWS = 6


class StuckLedger(FabricLedger):
    """Halts at another moment for each third of the rows."""

    def __init__(self, client: GatewayClient) -> None:
        super().__init__(client)
        self._seen: Counter[str] = Counter()

    def endorse(
        self, prepared: ports.Prepared, *, organisations: Sequence[str] = (), timeout_s: float = 10.0
    ) -> ports.Endorsed:
        self._halt("endorse", STUCK_ROWS // 3)
        return super().endorse(prepared, organisations=organisations, timeout_s=timeout_s)

    def submit(self, tx_id: str, envelope: bytes, *, timeout_s: float = 10.0) -> None:
        self._halt("submit", STUCK_ROWS // 3)
        super().submit(tx_id, envelope, timeout_s=timeout_s)

    def commit_status(self, tx_id: str, *, timeout_s: float = 10.0) -> ports.CommitStatus:
        super().commit_status(tx_id, timeout_s=timeout_s)
        halt()

    def _halt(self, moment: str, first: int) -> None:
        # Threads of one process: a race for the counter would only move a row to another moment.
        self._seen[moment] += 1
        if self._seen[moment] <= first:
            halt()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("profile", type=Path)
    parser.add_argument("--lease-ms", type=int, required=True)
    parser.add_argument("--stuck", action="store_true")
    options = parser.parse_args()
    queue.LEASE_MS = options.lease_ms
    database = Database(options.url)
    client = GatewayClient(ConnectionProfile.load(options.profile))
    ledger = (StuckLedger if options.stuck else FabricLedger)(client)
    submitter = Submitter(database, ledger, Outbox(ledger, BOX))
    sys.stderr.write("ready\n")
    sys.stderr.flush()
    done = 0
    is_open = select(func.count()).select_from(outbox).where(outbox.c.state.in_(("NEW", "ENDORSED", "SUBMITTED")))
    with database.listener(channels.OUTBOX) as listener:
        while True:
            done += submitter.run_once(limit=STUCK_ROWS, wait_s=10)
            with database.begin() as connection:
                if not connection.execute(is_open).scalar_one():
                    break
            listener.wait(0.2)
    sys.stderr.write(f"done {done}\n")
    ledger.close()
    database.close()


if __name__ == "__main__":
    main()
