"""Drives an outbox row to its end through the ledger.

What decides in every case is whether a signed envelope may have left. While none can have (NEW), a refusal is final
and an unreachable ledger means: later, with a fresh proposal. Once one may have (ENDORSED, SUBMITTED), only the
ledger's answer for that transaction id counts, and handing the same envelope over again is harmless: an id is
ordered validly at most once.
"""

import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from countermark.faults import Point, reach
from countermark.platform.observing.about import about
from countermark.platform.ports import (
    Endorsed,
    Ledger,
    OutboxMeter,
    Prepared,
    RefusedError,
    UnavailableError,
    Unmetered,
)
from countermark.platform.store import channels
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox.entry import Entry, Request, State
from countermark.platform.store.outbox.ordering import Ordered, order
from countermark.platform.store.outbox.queue import LeaseLostError, Outbox, Proposal
from countermark.platform.store.outbox.subject import trade_of
from countermark.platform.store.sql import select
from countermark.platform.store.tables import checkpoint, transactions
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.retries import Retry, after_refusal

_log = logging.getLogger(__name__)

MAX_ATTEMPTS = 32
"""Attempts of one request that may end in a conflict before it is given up."""

_RECHECK_S = 0.5

_ROUNDS = 16
"""Most full batches of one turn of a worker."""


@dataclass(frozen=True, slots=True)
class _Step:
    entry: Entry
    pause: bool = False  # nothing more can be done now
    at_once: bool = False  # and a worker need not let it rest


class Submitter:
    """Drives rows; any number of them may run, in any number of processes."""

    def __init__(self, database: Database, ledger: Ledger, outbox: Outbox, meter: OutboxMeter | None = None) -> None:
        """Drive the rows of ``outbox`` in ``database`` through ``ledger``, and tell ``meter`` how they fare."""
        self._meter = meter or Unmetered()
        self._database = database
        self._ledger = ledger
        self._outbox = outbox
        self._left: deque[Entry] = deque()

    def request(self, request: Request, *, wait_s: float = 0.0) -> Entry:
        """Save `request` in a transaction of its own and drive it.

        Raises:
            MarketError: INTENT_REPLAYED, INSUFFICIENT_FUNDS, DATABASE_UNAVAILABLE.
        """
        with self._database.begin() as connection:
            entry = self._outbox.enqueue(connection, request)
        return self.drive(entry, wait_s=wait_s)

    def drive(self, entry: Entry, *, wait_s: float = 0.0) -> Entry:
        """Bring `entry` as far as it goes in `wait_s` seconds: ordered at once, final if the commit is seen in time.

        If somebody else drives it, wait for what he makes of it. Whatever is left open is the workers' to finish.

        Raises:
            MarketError: DATABASE_UNAVAILABLE; the row stays as it is, and a worker goes on with it when the
                database is back.
        """
        deadline = time.monotonic() + wait_s
        self._give_up_left()
        if not entry.final and not entry.holder:
            with self._database.begin() as connection:
                entry = self._outbox.take(connection, entry.tx_id) or entry
        if entry.final:
            return entry
        if not entry.holder:
            return self.wait(entry.request_id, timeout_s=wait_s)
        try:
            return self._run(entry, deadline)
        except LeaseLostError:
            return self.wait(entry.request_id, timeout_s=deadline - time.monotonic())

    def wait(self, identifier: str, *, timeout_s: float) -> Entry:
        """Return the newest attempt of a request, waiting up to `timeout_s` seconds for it to be final.

        Raises:
            MarketError: NOT_FOUND when no request has that id or transaction id; DATABASE_UNAVAILABLE.
        """
        deadline = time.monotonic() + timeout_s
        entry = self._find(identifier)
        if entry.final or timeout_s <= 0:
            return entry
        with self._database.listener(channels.OUTBOX) as listener:
            entry = self._find(identifier)  # it may have ended before we listened
            while not entry.final and (left := deadline - time.monotonic()) > 0:
                if entry.request_id in listener.wait(left):
                    entry = self._find(identifier)
        return entry

    def run_once(self, *, limit: int = 8, wait_s: float = 5.0) -> int:
        """Go on with the rows that nobody drives, and return how many they were: a worker's turn.

        `limit` rows at a time are driven side by side, each for about `wait_s` seconds, so that one which waits for
        an organisation that is away, or for its block, holds up no other.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        done = 0
        for _ in range(_ROUNDS):
            with self._database.begin() as connection:
                entries = self._outbox.lease(connection, limit=limit)
            if entries:
                with ThreadPoolExecutor(len(entries), thread_name_prefix="outbox") as pool:
                    list(pool.map(lambda entry: self._attempt(entry, wait_s), entries))
            done += len(entries)
            if len(entries) < limit:
                break
        return done

    def _attempt(self, entry: Entry, wait_s: float) -> None:
        with about(txid=entry.tx_id):
            try:
                self.drive(entry, wait_s=wait_s)
            except MarketError as error:
                if error.code is ErrorCode.DATABASE_UNAVAILABLE:
                    raise
                _log.error("outbox row %s stays open: %s", entry.tx_id, error)
            except Exception as error:
                # A worker's outermost boundary for one row: a defect met here must not starve all others. Only the
                # type is logged: the text may quote what it choked on.
                _log.error("outbox row %s stays open: %s", entry.tx_id, type(error).__name__)

    def _run(self, entry: Entry, deadline: float) -> Entry:
        try:
            step = self._advance(entry, deadline)
            if step.pause:
                with self._database.begin() as connection:
                    self._outbox.hand_back(connection, step.entry, at_once=step.at_once)
        except LeaseLostError:
            raise
        except Exception:
            # Nobody drives it any more, so nobody need wait until its lease ends.
            self._left.append(entry)
            self._give_up_left()
            raise
        return replace(step.entry, holder="", prepared=None)

    def _advance(self, entry: Entry, deadline: float) -> _Step:
        """Take one step after the other until the row is final, or nothing more can be done now."""
        recovered = entry.state is not State.NEW
        if not recovered:
            reach(Point.REQUEST_SAVED)
        step, trade = _Step(entry), trade_of(entry.request)
        while not step.entry.final and not step.pause:
            # Each attempt has a transaction of its own.
            with about(txid=step.entry.tx_id, trade=trade):
                if step.entry.state is State.NEW:
                    step, recovered = self._endorse(step.entry, deadline), False
                else:
                    step = self._order(step.entry, deadline, recovered=recovered)
        return step

    def _give_up_left(self) -> None:
        """Give up the leases of what was left because of a failure, wherever those rows stand by now.

        Where it was the database that went away, that waits for whoever finds it again.
        """
        while True:
            try:
                entry = self._left.popleft()
            except IndexError:
                return
            try:
                with self._database.begin() as connection:
                    self._outbox.hand_back(connection, entry)
            except MarketError as error:
                self._left.append(entry)
                with about(txid=entry.tx_id):
                    _log.warning("outbox row %s stays leased: %s", entry.tx_id, error)
                return

    def _endorse(self, entry: Entry, deadline: float) -> _Step:
        """Bring a row from NEW to ENDORSED, or to the end that the chaincode or the intent's expiry gives it."""
        intent = entry.request.intent
        if intent is not None and _now_ms() > intent.expires_ms:
            expired = MarketError(ErrorCode.INTENT_EXPIRED, "the intent expired before it could be ordered")
            return self._close(entry, State.REFUSED, expired)
        try:
            prepared, entry = entry.prepared or self._propose(entry), replace(entry, prepared=None)
        except MarketError as error:
            if error.code is not ErrorCode.INSUFFICIENT_FUNDS:
                raise
            return self._close(entry, State.REFUSED, error)
        if prepared is None:
            return _Step(entry, pause=not self._next_block(deadline))
        try:
            endorsed = self._ledger.endorse(prepared, organisations=entry.request.organisations)
        except RefusedError as refused:
            if entry.request.spend is not None and after_refusal(refused.error.code) is Retry.ANEW:
                # Coins that another gateway has spent, in a block that the projection has yet to show us.
                self._meter.retried(refused.error.code)
                return _Step(entry, pause=not self._next_block(deadline))
            return self._close(entry, State.REFUSED, refused.error)
        except UnavailableError as error:
            _log.warning("no endorsement of %s: %s", entry.request.function, error)
            self._meter.retried(error.code)
            return _Step(replace(entry, waits=error.code), pause=True)
        return _Step(self._save(entry, prepared, endorsed))

    def _propose(self, entry: Entry) -> Prepared | None:
        """Return a fresh proposal, None while the coins for it are held by other payments."""
        with self._database.begin() as connection:
            proposal = self._outbox.propose(connection, entry.request_id, entry.request)
        return proposal.prepared if proposal.whole else None

    def _save(self, entry: Entry, prepared: Prepared, endorsed: Endorsed) -> Entry:
        """Make the envelope durable, before it can leave."""
        if replace(entry, result=endorsed.result).replayed:
            # Another transaction has done what the intent asks: this one would write nothing.
            return self._move(entry, State.COMMITTED, result=endorsed.result)
        with self._database.begin() as connection:
            if prepared.tx_id != entry.tx_id:
                entry = self._outbox.supersede(connection, entry, Proposal(prepared), error_detail="never endorsed")
            entry = self._outbox.move(
                connection,
                replace(entry, prepared=None),
                State.ENDORSED,
                envelope=endorsed.envelope,
                result=endorsed.result,
            )
        reach(Point.ENVELOPE_SAVED)
        return entry

    def _order(self, entry: Entry, deadline: float, *, recovered: bool) -> _Step:
        """Have the envelope ordered and learn how it ended; a recovered one may be there already."""
        ordered = order(self._ledger, entry, deadline, recovered=recovered)
        self._count(entry, ordered)
        status = ordered.status
        if status is None:
            if ordered.refusal is not None:
                return self._close(entry, State.REFUSED, ordered.refusal)
            if ordered.taken and entry.state is not State.SUBMITTED:
                entry = self._move(entry, State.SUBMITTED)
            # Whoever does not wait has learnt nothing bad: a worker may wait for the block in his place.
            return _Step(entry, pause=True, at_once=ordered.taken and not ordered.waited)
        reach(Point.OUTCOME_LEARNT)
        verdict = {"block_number": status.block_number, "validation_code": status.code}
        if status.valid:
            return _Step(self._move(entry, State.COMMITTED, **verdict))
        retry, code = status.after
        if retry is Retry.ASK:
            return self._look_into_the_block(entry, verdict, status.code_name, deadline)
        if retry is Retry.ANEW and entry.attempt < MAX_ATTEMPTS:
            return self._again(entry, verdict, status.code_name)
        return self._close(entry, State.INVALID, MarketError(code, status.code_name), **verdict)

    def _count(self, entry: Entry, ordered: Ordered) -> None:
        """Count whether the outcome came into doubt just now, and whether what was in doubt is known."""
        known = ordered.status is not None or ordered.refusal is not None
        doubted = entry.tries > 0
        if not doubted and (ordered.doubted or (not known and ordered.waited)):
            doubted = True
            self._meter.doubted()
        if doubted and known:
            self._meter.resolved()
        if not known and ordered.waited:
            self._meter.retried(ErrorCode.OUTCOME_UNKNOWN)

    def _look_into_the_block(self, entry: Entry, verdict: dict[str, int], code_name: str, deadline: float) -> _Step:
        """Find our own envelope's verdict beside that of a false one with its id, once the tables have the block."""
        with self._database.begin() as connection:
            applied = connection.execute(select(checkpoint.c.block_number)).scalar_one_or_none()
            found = select(transactions.c.block, transactions.c.code).where(
                transactions.c.tx_id == entry.tx_id, transactions.c.valid
            )
            ours = connection.execute(found).one_or_none()
        if ours is not None:
            committed = {"block_number": ours.block, "validation_code": ours.code}
            return _Step(self._move(entry, State.COMMITTED, **committed))
        if applied is None or applied < verdict["block_number"]:
            return _Step(entry, pause=not self._next_block(deadline))
        if entry.attempt < MAX_ATTEMPTS:
            # The id is used up: whatever comes of ours in a later block, it is a duplicate.
            return self._again(entry, verdict, code_name)
        return self._close(entry, State.INVALID, MarketError(ErrorCode.CONFLICT, "its id was claimed"), **verdict)

    def _again(self, entry: Entry, verdict: dict[str, int], code_name: str) -> _Step:
        """Start a new attempt of a request whose transaction is dead: a block holds it as invalid."""
        self._meter.retried(code_name)
        try:
            with self._database.begin() as connection:
                proposal = self._outbox.propose(connection, entry.request_id, entry.request)
                return _Step(self._outbox.supersede(connection, entry, proposal, **verdict))
        except MarketError as error:
            if error.code is not ErrorCode.INSUFFICIENT_FUNDS:
                raise
            return self._close(entry, State.INVALID, error, **verdict)

    def _next_block(self, deadline: float) -> bool:
        """Wait for the projection to apply a block; False when the deadline has passed."""
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        with self._database.listener(channels.BLOCKS) as listener:
            # The block may have come just before we listened: look again soon in any case.
            listener.wait(min(left, _RECHECK_S))
        return True

    def _close(self, entry: Entry, state: State, error: MarketError, **values: int) -> _Step:
        return _Step(self._move(entry, state, error_code=error.code, error_detail=error.detail, **values))

    def _move(self, entry: Entry, state: State, **values: object) -> Entry:
        with self._database.begin() as connection:
            moved = self._outbox.move(connection, entry, state, **values)
        if moved.final:
            why = f", {moved.error.code}" if moved.error is not None else ""
            _log.info("%s ends as %s%s", moved.request.function, state, why)
            self._meter.ended(moved.request.function, state, (moved.updated_ms - moved.created_ms) / 1000)
        return moved

    def _find(self, identifier: str) -> Entry:
        with self._database.autocommit() as connection:
            entry = self._outbox.find(connection, identifier)
        if entry is None:
            raise MarketError(ErrorCode.NOT_FOUND, "no transaction of this gateway has such an id")
        return entry


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
