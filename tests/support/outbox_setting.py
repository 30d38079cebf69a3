"""An outbox on a real database, over a ledger in memory that counts, and what a process leaves behind that dies."""

import json
from dataclasses import dataclass, replace
from typing import Any

from countermark.chaincode.shim.stub import Response, Stub
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Entry, IntentKey, Outbox, Request, Submitter
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import func, select, update
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError
from tests.fixtures.ledger import Channel, MemoryLedger

FAR_MS = 2**50


async def counter(stub: Stub) -> Response:
    """Count calls under one key, each nonce once; `fail` is refused."""
    if stub.function == "fail":
        raise MarketError(ErrorCode.WRONG_STATE, "it always fails")
    nonce = stub.args[0].decode()
    earlier = await stub.get_state(f"nonce/{nonce}")
    if earlier is not None:
        return Response(200, canonical.dumps(json.loads(earlier) | {"replayed": True}))
    count = int(await stub.get_state("count") or b"0") + 1
    answer = canonical.dumps({"id": str(count), "secret": stub.transient.get("s", b"").decode()})
    await stub.put_state(f"nonce/{nonce}", answer)
    await stub.put_state("count", str(count).encode())
    return Response(200, answer)


@dataclass
class Setting:
    database: Database
    channel: Channel
    ledger: MemoryLedger
    outbox: Outbox
    submitter: Submitter

    @property
    def count(self) -> int:
        return int(self.channel.state.get("count", b"0"))

    def row(self, tx_id: str) -> Any:
        with self.database.begin() as connection:
            return connection.execute(select(tables.outbox).where(tables.outbox.c.tx_id == tx_id)).one()

    def rows(self) -> int:
        with self.database.begin() as connection:
            return connection.execute(select(func.count()).select_from(tables.outbox)).scalar_one()

    def enqueue(self, request: Request) -> Entry:
        with self.database.begin() as connection:
            return self.outbox.enqueue(connection, request)

    def expire_leases(self) -> None:
        with self.database.begin() as connection:
            connection.execute(update(tables.outbox).values(lease_until_ms=0))

    def restart(self) -> "Setting":
        """What is left after the process has died: database and ledger, and no lease that still runs."""
        self.expire_leases()
        ledger = MemoryLedger(self.channel)
        outbox = Outbox(ledger, BOX)
        return Setting(self.database, self.channel, ledger, outbox, Submitter(self.database, ledger, outbox))


BOX = SecretBox({1: b"k" * 32}, 1)


def request(nonce: str = "n", *, digest: str = "sha256:1", expires_ms: int = FAR_MS, **changes: Any) -> Request:
    made = Request("add", (nonce.encode(), b"{}"), intent=IntentKey("did:key:me", nonce, digest, expires_ms))
    return replace(made, **changes)
