"""What the platform asks of the ledger on its own account: signed intents, and calls that anybody may make.

An act is done once however often and by however many workers it is asked for: the nonce of its intent is the digest
of what it says and of how many attempts have failed before, so the outbox meets the attempt that is there. A call
without an intent is looked for under a lock.

Nobody waits here for a block: the transaction is ordered at once, and the outbox's own worker learns how it ended. So
a hundred trades whose deadline has passed take a block or two, not a hundred.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.clock import now_ms
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Entry, Outbox, Request, State, Submitter
from countermark.platform.store.sql import Connection, func, select
from countermark.protocol import canonical, intents
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u

RETRY_MS = 5_000
"""How long a failed attempt rests before the next; twice as long after each further one."""

LONGEST_REST_MS = 3_600_000

_REMEMBERED = 12
"""How many earlier attempts of a call are looked at: those before have rested for `LONGEST_REST_MS` if these have."""


@dataclass(frozen=True)
class Calling:
    """What it takes to make the calls that anybody may make: the way to the ledger."""

    database: Database
    outbox: Outbox
    submitter: Submitter
    clock: Callable[[], int]
    """Gives the time in ms since the epoch."""

    def call(self, function: str, *args: str) -> bool:
        """Have ``function``, which anybody may call, ordered with ``args``; return whether this did anything.

        Nothing is done while an earlier attempt is open or rests after a failure, nor while the projection has yet
        to apply the block of one that committed. After that the caller means a new call.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        request = Request(function, tuple(arg.encode() for arg in args))
        with self.database.begin() as connection:
            # Whoever means the same at the same moment finds our attempt when he looks.
            name = "call/" + canonical.dumps([function, *args]).decode()
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
            for failures, earlier in enumerate(self._attempts(connection, request), start=1):
                if earlier.state is State.COMMITTED and earlier.block_number is not None:
                    if not _applied(connection, earlier):
                        return False
                    break
                if not _rested(connection, earlier, failures):
                    return False
            entry = self.outbox.enqueue(connection, request)
        self.submitter.drive(entry)
        return True

    def settled(self, function: str) -> bool:
        """Return whether nothing that this gateway asked of ``function`` is under way or yet to be projected."""
        outbox = tables.outbox
        query = (
            select(outbox.c.tx_id)
            .where(outbox.c.function == function, outbox.c.superseded_by.is_(None))
            .order_by(outbox.c.created_ms.desc())
            .limit(1)
        )
        with self.database.begin() as connection:
            tx_id = connection.execute(query).scalar_one_or_none()
            last = None if tx_id is None else self.outbox.find(connection, tx_id)
            return last is None or (last.final and _applied(connection, last))

    def _attempts(self, connection: Connection, request: Request) -> Iterator[Entry]:
        """Yield what became of the same call before, the newest first."""
        outbox = tables.outbox
        query = (
            select(outbox.c.tx_id)
            .where(
                outbox.c.function == request.function,
                outbox.c.args == list(request.args),
                outbox.c.superseded_by.is_(None),
            )
            .order_by(outbox.c.created_ms.desc(), outbox.c.tx_id)
            .limit(_REMEMBERED)
        )
        for tx_id in connection.execute(query).scalars().all():
            entry = self.outbox.find(connection, tx_id)
            if entry is not None:
                yield entry


@dataclass(frozen=True)
class Acting(Calling):
    """What it takes to act besides: the platform's signing key, and the market for which its intents are."""

    key: AccountKey
    market: str
    """Channel/chaincode."""

    def sign(self, action: str, params: Mapping[str, Any]) -> bool:
        """Have the intent for ``action`` with ``params`` ordered, once; return whether this call did anything.

        Nothing is done while an earlier attempt is open, has committed, or rests after a failure.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        with self.database.begin() as connection:
            nonce = self._free_nonce(connection, action, params)
            if nonce is None:
                return False
            token = intents.sign(
                self.key,
                market=self.market,
                action=action,
                params=params,
                issued_at_ms=self.clock(),
                nonce=nonce,
            )
            intent = intents.parse(token, market=self.market, action=action)
            entry = self.outbox.enqueue(connection, Request.by_intent(intent))
        self.submitter.drive(entry)
        return True

    def _free_nonce(self, connection: Connection, action: str, params: Mapping[str, Any]) -> str | None:
        failures = 0
        while True:
            named = canonical.dumps([self.market, action, dict(params), failures])
            nonce = b64u(sha256(named).digest()[: intents.NONCE_BYTES])
            earlier = self.outbox.find_intent(connection, self.key.address, nonce)
            if earlier is None:
                return nonce
            failures += 1
            if earlier.state is State.COMMITTED or not _rested(connection, earlier, failures):
                return None


def _rested(connection: Connection, entry: Entry, failures: int) -> bool:
    """Return whether ``entry`` has failed, ``failures`` attempts in all, long enough ago for another attempt."""
    rest = min(RETRY_MS << min(failures - 1, 20), LONGEST_REST_MS)
    # The row's time is the database's.
    return entry.final and now_ms(connection) - entry.updated_ms >= rest


def _applied(connection: Connection, entry: Entry) -> bool:
    # Without a block there was nothing to do: somebody else's transaction had done it.
    applied = connection.execute(select(tables.checkpoint.c.block_number)).scalar_one_or_none()
    return entry.block_number is None or (applied is not None and applied >= entry.block_number)
