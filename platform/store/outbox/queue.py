"""The outbox table: save requests, lease them to one driver each, and move them from state to state."""

import logging
import secrets
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select, update

from countermark.platform.observing.about import about
from countermark.platform.ports import Ledger, Prepared
from countermark.platform.store import channels, clock, coins
from countermark.platform.store.outbox import statements
from countermark.platform.store.outbox.entry import OPEN_STATES, Entry, IntentKey, Request, Spend, State, error_of
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.tables import outbox
from countermark.protocol import canonical
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError

_log = logging.getLogger(__name__)

LEASE_MS = 60_000
"""How long a driver that lives has a row to itself, renewed at each step; longer than any one call to the ledger.

The row of one that died is free at once (`presence`)."""

REST_MS = 500
"""How long a row rests that could not be brought to its end; twice as long after each further time."""

LONGEST_REST_MS = 10_000
"""Short enough that a ledger which is back finds its work soon."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fresh proposal. It is not whole, and lends its transaction id only, while other payments hold its coins."""

    prepared: Prepared
    whole: bool = True


class LeaseLostError(Exception):
    """Another driver has taken the row over; it goes on there."""


class Outbox:
    """The rows of one database. Methods run in the caller's transaction, so a row commits with what it belongs to."""

    def __init__(self, ledger: Ledger, box: SecretBox) -> None:
        self._ledger = ledger
        self._box = box

    def enqueue(self, connection: Connection, request: Request) -> Entry:
        """Save `request` and return its entry; the same intent again returns the entry that is there.

        The caller drives a new entry himself after his transaction has committed (`Submitter.drive`); should he
        not, a worker does once the lease has run out, or at once if the caller's process has died.

        Raises:
            MarketError: INTENT_REPLAYED when another payload has used the intent's nonce; INSUFFICIENT_FUNDS.
        """
        earlier = None if request.intent is None else self.claim(connection, request.intent)
        return earlier or self.add(connection, request)

    def add(self, connection: Connection, request: Request) -> Entry:
        """Save `request`, whose intent the caller's transaction has claimed, and return its entry, as `enqueue`.

        Raises:
            MarketError: INSUFFICIENT_FUNDS.
        """
        request_id = secrets.token_hex(16)
        return self.insert(
            connection, request, self.propose(connection, request_id, request), request_id=request_id, attempt=1
        )

    def propose(self, connection: Connection, request_id: str, request: Request) -> Proposal:
        """Return a fresh proposal, with the coins that it needs reserved.

        Raises:
            MarketError: INSUFFICIENT_FUNDS.
        """
        args = self.pay(connection, request_id, request)
        prepared = self._ledger.prepare(
            request.function, request.args if args is None else args, transient=request.transient
        )
        return Proposal(prepared, whole=args is not None)

    def pay(self, connection: Connection, request_id: str, request: Request) -> tuple[bytes, ...] | None:
        """Return the arguments of the next attempt, with coins reserved for it; None while they are not free.

        Raises:
            MarketError: INSUFFICIENT_FUNDS.
        """
        if request.spend is None:
            return request.args
        spend = request.spend
        chosen = coins.reserve(connection, owner=spend.owner, amount=spend.amount, holder=request_id)
        return None if chosen is None else request.paid_with(chosen)

    def insert(
        self,
        connection: Connection,
        request: Request,
        proposal: Proposal,
        *,
        request_id: str,
        attempt: int,
        holder: str = "",
    ) -> Entry:
        """Save an attempt in state NEW, leased to `holder` (by default to a new one)."""
        intent, spend = request.intent, request.spend
        values = {
            "tx_id": proposal.prepared.tx_id,
            "request_id": request_id,
            "attempt": attempt,
            "function": request.function,
            "args": list(request.args),
            "transient": self._seal(request_id, request),
            "organisations": list(request.organisations),
            "spend_owner": spend.owner if spend else None,
            "spend_amount": spend.amount if spend else None,
            "state": State.NEW,
            "signer": intent.signer if intent else None,
            "nonce": intent.nonce if intent else None,
            "intent_digest": intent.digest if intent else None,
            "expires_ms": intent.expires_ms if intent else None,
            "lease_ms": LEASE_MS,
        }
        if holder:
            row = connection.execute(statements.INSERT, {**values, "lease_holder": holder}).one()
        else:
            row = connection.execute(statements.INSERT_LEASED, {**values, "token": _new_token()}).one()
        prepared = proposal.prepared if proposal.whole else None
        return replace(self._entry(row), holder=row.lease_holder, prepared=prepared)

    def supersede(self, connection: Connection, old: Entry, proposal: Proposal, **values: Any) -> Entry:
        """Close `old`, which is dead, and save the next attempt of its request under the same lease.

        Raises:
            LeaseLostError: Another driver has taken the row over.
        """
        # The new row's intent may stand only once the old row has given it up; the foreign key waits for commit.
        self._change(
            connection, old, state=State.INVALID, superseded_by=proposal.prepared.tx_id, transient=None, **values
        )
        return self.insert(
            connection,
            old.request,
            proposal,
            request_id=old.request_id,
            attempt=old.attempt + 1,
            holder=old.holder,
        )

    def move(self, connection: Connection, entry: Entry, state: State, **values: Any) -> Entry:
        """Bring `entry` to `state`, renew its lease, and return it; `values` are further columns.

        Raises:
            LeaseLostError: Another driver has taken the row over.
        """
        ends = state not in OPEN_STATES
        # Transient data is kept no longer than it may be needed.
        forgotten = {"transient": None} if ends else {}
        updated_ms = self._change(connection, entry, state=state, **values, **forgotten)
        if ends:
            if state is not State.COMMITTED:
                # Those of a committed payment stay reserved until the projector sees them spent.
                coins.release(connection, entry.request_id)
            channels.notify(connection, channels.OUTBOX, entry.request_id)
        return entry.moved(state, updated_ms, **values, forget=ends)

    def hand_back(self, connection: Connection, entry: Entry, *, at_once: bool = False) -> None:
        """Give the lease up, so that a worker goes on with the row: at once, or after its rest."""
        rest_ms = 0 if at_once else min(REST_MS << min(entry.tries, 20), LONGEST_REST_MS)
        tries = entry.tries if at_once else entry.tries + 1
        values = {"lease_holder": None, "lease_until_ms": clock.now() + rest_ms, "tries": tries}
        # By the holder alone: what he holds may be a later attempt of the same request by now.
        held = and_(outbox.c.lease_holder == entry.holder, outbox.c.state.in_(OPEN_STATES))
        connection.execute(update(outbox).where(held).values(values))

    def lease(self, connection: Connection, *, limit: int) -> list[Entry]:
        """Return up to `limit` open entries whose lease has run out, or whose driver has died, leased to the caller.

        First comes what has been due for longest: a row that was tried in vain goes behind all that wait.
        """
        entries = []
        for tx_id in connection.execute(statements.DUE, {"limit": limit}).scalars().all():
            try:
                entry = self.take(connection, tx_id)
            except MarketError as error:
                # A damaged row rests until its lease ends, and must not keep the others from being driven.
                with about(txid=tx_id):
                    _log.error("outbox row %s cannot be read: %s", tx_id, error)
                continue
            if entry is not None:
                entries.append(entry)
        return entries

    def take(self, connection: Connection, tx_id: str) -> Entry | None:
        """Lease the open attempt `tx_id`; None when it is final or somebody else drives it."""
        row = connection.execute(
            statements.TAKE, {"of_tx_id": tx_id, "token": _new_token(), "lease_ms": LEASE_MS}
        ).one_or_none()
        return None if row is None else replace(self._entry(row), holder=row.lease_holder)

    def find(self, connection: Connection, identifier: str) -> Entry | None:
        """Return the newest attempt of the request that `identifier`, its id or any of its tx ids, names."""
        request_id = select(outbox.c.request_id).where(outbox.c.tx_id == identifier).scalar_subquery()
        query = (
            select(outbox)
            .where(or_(outbox.c.request_id == identifier, outbox.c.request_id == request_id))
            .order_by(outbox.c.attempt.desc())
            .limit(1)
        )
        row = connection.execute(query).one_or_none()
        return None if row is None else self._entry(row)

    def find_intent(self, connection: Connection, signer: str, nonce: str) -> Entry | None:
        """Return the newest attempt for an intent of `signer`, None if this gateway never saw its nonce."""
        row = connection.execute(statements.BY_INTENT, {"signer": signer, "nonce": nonce}).one_or_none()
        return None if row is None else self._entry(row)

    def claim(self, connection: Connection, intent: IntentKey) -> Entry | None:
        """Return the newest attempt for this very intent; None if this gateway never took it.

        Then nobody else takes it before the caller's transaction ends. To be called before anything is checked that
        may change: the same intent has the same answer, also for a copy that comes at the same moment and would find
        that what it asks for has just been done.

        Raises:
            MarketError: INTENT_REPLAYED when another payload has used the intent's nonce.
        """
        name = f"intent/{intent.signer}/{intent.nonce}"
        connection.execute(statements.LOCK, {"name": name})
        entry = self.find_intent(connection, intent.signer, intent.nonce)
        if entry is not None and entry.request.intent != intent:
            raise MarketError(ErrorCode.INTENT_REPLAYED, "the nonce was used for another intent")
        return entry

    def _change(self, connection: Connection, entry: Entry, **values: Any) -> int:
        held = {"of_tx_id": entry.tx_id, "of_holder": entry.holder, "lease_ms": LEASE_MS}
        updated_ms: int | None = connection.execute(statements.CHANGE, {**values, **held}).scalar_one_or_none()
        if updated_ms is None:
            raise LeaseLostError(entry.tx_id)
        return updated_ms

    def _seal(self, request_id: str, request: Request) -> bytes | None:
        if not request.transient:
            return None
        document = {name: b64u(value) for name, value in request.transient.items()}
        return self._box.seal(canonical.dumps(document), context=f"outbox/{request_id}")

    def _entry(self, row: Row[Any]) -> Entry:
        transient: dict[str, bytes] = {}
        if row.transient is not None:
            document = canonical.loads(self._box.open(row.transient, context=f"outbox/{row.request_id}"))
            transient = {name: unb64u(value) for name, value in document.items()}
        intent = spend = None
        if row.nonce is not None:
            intent = IntentKey(row.signer, row.nonce, row.intent_digest, row.expires_ms)
        if row.spend_owner is not None:
            spend = Spend(row.spend_owner, row.spend_amount)
        return Entry(
            request_id=row.request_id,
            tx_id=row.tx_id,
            attempt=row.attempt,
            request=Request(
                row.function,
                tuple(bytes(arg) for arg in row.args),
                transient=transient,
                organisations=tuple(row.organisations),
                intent=intent,
                spend=spend,
            ),
            state=State(row.state),
            envelope=bytes(row.envelope or b""),
            result=bytes(row.result or b""),
            block_number=row.block_number,
            validation=row.validation_code,
            error=error_of(row.error_code, row.error_detail),
            created_ms=row.created_ms,
            updated_ms=row.updated_ms,
            tries=row.tries,
        )


def _new_token() -> str:
    return secrets.token_hex(16)
