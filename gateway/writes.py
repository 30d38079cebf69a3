"""From an intent to the answer of the ledger: check, save in the outbox, submit, and wait for what comes of it.

An answer that says "committed" is given only when the projection has applied the block: whoever reads next sees what
he has written. Whatever is not known in time is answered as pending, and a worker brings it to its end.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from countermark.faults import Point, reach
from countermark.gateway.problems import ProblemError, standing
from countermark.gateway.services import Services
from countermark.platform.contracts.market import load_market
from countermark.platform.observing.about import now_about
from countermark.platform.ports import RefusedError
from countermark.platform.store.outbox import Entry, IntentKey, Request, State
from countermark.platform.store.outbox.subject import trade_of
from countermark.platform.store.sql import Connection
from countermark.platform.trades import load_trade
from countermark.platform.views.intents import Done, find_done
from countermark.platform.views.transactions import Ordered, find_ordered
from countermark.protocol import actions, canonical, intents
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from countermark.protocol.transitions import LISTING_ACTS, ListingState

SPENT: Mapping[str, tuple[str, ...]] = {
    "coin.transfer": ("amount",),
    "coin.redeem": ("amount",),
    "listing.charge": ("amount",),
    "trade.pay": ("price", "bond"),
    "trade.charge": ("fee", "bond"),
    "claim.open": ("deposit",),
    "claim.answer": ("deposit",),
}
"""The parameters whose sum, in minor units, each action takes out of its signer's coins."""

IN_PRIVATE = frozenset({"listing.erase"})
"""Actions that change the private collection: its members, platform and supervisor, endorse them."""

_STATES = {
    State.NEW: "pending",
    State.ENDORSED: "pending",
    State.SUBMITTED: "pending",
    State.COMMITTED: "committed",
    State.INVALID: "invalid",
    State.REFUSED: "refused",
}


@dataclass(frozen=True)
class Outcome:
    """A transaction resource, and whether it will not change any more."""

    resource: dict[str, Any]
    final: bool

    @property
    def status(self) -> int:
        """The HTTP status that says as much."""
        return 200 if self.final else 202

    @property
    def headers(self) -> dict[str, str]:
        """Where to ask for the outcome while it is open."""
        return {} if self.final else {"Location": f"/v1/transactions/{self.resource['txid']}"}


class Writes:
    """Brings intents to the ledger. May be shared between threads."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def parse(self, token: str, action: str, **named: str) -> Intent:
        """Return the intent of ``token`` for ``action``, whose parameters ``named`` must be what the path says.

        Raises:
            MarketError: a code of `intents.parse`; MALFORMED_REQUEST when the path names something else.
        """
        intent = intents.parse(token, market=self._services.site.market, action=action)
        for name, value in named.items():
            if intent.params[name] != value:
                raise MarketError(ErrorCode.MALFORMED_REQUEST, f"the intent names another {name} than the path")
        return intent

    def ask(
        self,
        intent: Intent,
        *,
        wait_s: int,
        may: Callable[[Connection], None] | None = None,
        account: str = "",
    ) -> Outcome:
        """Submit ``intent`` and return what came of it within ``wait_s`` seconds; again gives the same answer.

        ``may`` refuses by raising, before anything is saved. It is not asked about an intent that was taken here
        before; nor is one counted that the ledger has taken by whatever way. It counts for ``account``, by default
        its signer's.

        Raises:
            ProblemError: the transaction was refused, or is invalid.
            RateLimitedError: the account asks for too much.
            MarketError: a code of `intents.check_time`, of ``may``; INTENT_REPLAYED, INSUFFICIENT_FUNDS,
                DATABASE_UNAVAILABLE.
        """
        deadline = time.monotonic() + wait_s
        try:
            taken = self._enqueue(intent, may, account or intent.signer)
        except MarketError as error:
            done = self._done_elsewhere(intent, wait_s) if error.code is ErrorCode.INTENT_EXPIRED else None
            if done is None:
                raise
            return done
        return _elsewhere(intent, taken) if isinstance(taken, Done) else self.outcome(taken, deadline, intent=intent)

    def count(self, connection: Connection, account: str) -> None:
        """Count one change that ``account`` has verifiably asked for.

        Raises:
            RateLimitedError: it asks for too many.
        """
        self._services.site.limits.of_account.spend(connection, account, now_ms=self._services.clock())

    def _enqueue(self, intent: Intent, may: Callable[[Connection], None] | None, account: str) -> Entry | Done:
        """Return the transaction under way, or what another gateway has made of the intent before."""
        services = self._services
        with services.database.begin() as connection:
            earlier = services.outbox.claim(connection, IntentKey.of(intent))
            if earlier is not None:
                return earlier
            done = find_done(connection, intent)
            if done is None:
                self._check_time(connection, intent)
                self.count(connection, account)
            if may is not None:
                may(connection)
            if done is not None:
                return done
            return services.outbox.add(connection, _request(connection, intent))

    def told(self, intent: Intent) -> Outcome:
        """Return what another gateway has made of an intent, as this one's tables have it.

        Raises:
            MarketError: NOT_FOUND, DATABASE_UNAVAILABLE.
        """
        with self._services.database.autocommit() as connection:
            done = find_done(connection, intent)
        if done is None:
            raise MarketError(ErrorCode.NOT_FOUND, "no block holds this intent")
        return _elsewhere(intent, done)

    def _done_elsewhere(self, intent: Intent, wait_s: int) -> Outcome | None:
        """Return what another gateway has made of an intent that comes too late here, None if nothing.

        Who asks after an answer was lost must not be told "too late" of what was in time.
        """
        try:
            stored = self._services.chain.evaluate("intent.show", [intent.signer.encode(), intent.nonce.encode()])
        except RefusedError:
            return None
        record = canonical.loads(stored)
        if record["cancelled"] or record["digest"] != intent.digest:
            return None
        outcome = self.transaction(record["tx"], wait_s=wait_s)
        return Outcome({**outcome.resource, "result": record["response"]}, outcome.final)

    def outcome(self, entry: Entry, deadline: float, *, intent: Intent | None = None) -> Outcome:
        """Drive ``entry`` until ``deadline`` (of the monotonic clock) and return what came of it.

        Raises:
            ProblemError: the transaction was refused, or is invalid; or CLOCK_SKEWED, it waits.
            MarketError: DATABASE_UNAVAILABLE.
        """
        now_about(txid=entry.tx_id, trade=trade_of(entry.request))
        entry = self._services.submitter.drive(entry, wait_s=max(deadline - time.monotonic(), 0))
        now_about(txid=entry.tx_id)  # of the last attempt
        outcome = self._resource(entry, deadline)
        reach(Point.ANSWER_READY)
        if entry.error is not None:
            raise ProblemError(entry.error, txid=entry.tx_id, **self._state_now(entry.error, intent))
        if entry.waits is ErrorCode.CLOCK_SKEWED:
            # It is saved, and goes on when the clock is right; but nobody should wait here for that.
            raise ProblemError(MarketError(entry.waits, "the request is saved and waits"), txid=entry.tx_id)
        return outcome

    def transaction(self, tx_id: str, *, wait_s: int) -> Outcome:
        """Return the transaction ``tx_id``, waiting up to ``wait_s`` seconds for its end.

        Raises:
            MarketError: NOT_FOUND, DATABASE_UNAVAILABLE.
        """
        deadline = time.monotonic() + wait_s
        try:
            entry = self._services.submitter.wait(tx_id, timeout_s=wait_s)
        except MarketError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            with self._services.database.autocommit() as connection:
                ordered = find_ordered(connection, tx_id)
            if ordered is None:
                raise
            return Outcome(_of_others(ordered), final=True)
        now_about(txid=entry.tx_id, trade=trade_of(entry.request))
        return self._resource(entry, deadline)

    def seen(self, tx_id: str, deadline: float) -> bool:
        """Return whether the tables have the transaction ``tx_id`` by ``deadline`` (of the monotonic clock).

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        bell = self._services.bell
        while True:
            rung = bell.rung()
            with self._services.database.autocommit() as connection:
                if find_ordered(connection, tx_id) is not None:
                    return True
            left = deadline - time.monotonic()
            if left <= 0 or bell.closed:
                return False
            bell.wait(rung, left)

    def _resource(self, entry: Entry, deadline: float) -> Outcome:
        state, tx_id = _STATES[entry.state], entry.tx_id
        result = canonical.loads(entry.result) if entry.result and entry.state is State.COMMITTED else None
        if entry.replayed and result is not None:
            # Another gateway was faster: the answer is the one that it gives, about the transaction that it made.
            tx_id = result["tx"]
            result = {name: value for name, value in result.items() if name != "replayed"}
            if not self.seen(tx_id, deadline):
                state = "pending"
        elif entry.state is State.COMMITTED and entry.block_number is not None:
            left = max(deadline - time.monotonic(), 0)
            if not self._services.bell.wait_height(entry.block_number + 1, timeout_s=left):
                state = "pending"
        error = entry.error
        resource = {
            "txid": tx_id,
            "state": state,
            "function": entry.request.function,
            "result": result if state == "committed" else None,
            "error": None if error is None else {"code": str(error.code), "detail": error.detail},
        }
        return Outcome(resource, final=state != "pending")

    def _check_time(self, connection: Connection, intent: Intent) -> None:
        config = load_market(connection)
        intents.check_time(intent, self._services.clock(), longest_s=actions.longest_s(intent.action, config))

    def _state_now(self, error: MarketError, intent: Intent | None) -> dict[str, Any]:
        """Return where the trade or listing stands that is in the wrong state, and what its signer may do there."""
        if error.code is not ErrorCode.WRONG_STATE or intent is None:
            return {}
        if "trade" in intent.params:
            with self._services.database.autocommit() as connection:
                view = load_trade(connection, intent.params["trade"])
            return standing(view.state, view.next_acts, view.role(intent.signer))
        if "listing" in intent.params:
            listing = self._services.catalogue.show(intent.params["listing"], viewer=intent.signer)
            state, owned = ListingState(listing.state), intent.signer == listing.owner
            possible = {function for function, moves in LISTING_ACTS.items() if state in moves}
            if listing.erased:
                possible -= {"listing.relist", "listing.erase"}
            allowed = sorted(
                name for name in possible if name in actions.PARAMS and (name == "trade.pay") is not owned
            )
            return {"listing_state": str(state), "allowed": allowed}
        return {}


def _request(connection: Connection, intent: Intent) -> Request:
    amount = sum(int(intent.params[name]) for name in SPENT.get(intent.action, ()))
    if intent.action not in IN_PRIVATE:
        return Request.by_intent(intent, amount=amount)
    config = load_market(connection)
    members = (config.platform.msp_id, config.supervisor.msp_id)
    return Request.by_intent(intent, amount=amount, organisations=members)


def _elsewhere(intent: Intent, done: Done) -> Outcome:
    resource = {
        "txid": done.tx_id,
        "state": "committed",
        "function": intent.action,
        "result": done.response,
        "error": None,
    }
    return Outcome(resource, final=True)


def _of_others(ordered: Ordered) -> dict[str, Any]:
    error = None if ordered.valid else {"code": str(ErrorCode.CONFLICT), "detail": ordered.code_name}
    state = "committed" if ordered.valid else "invalid"
    return {"txid": ordered.tx_id, "state": state, "function": ordered.function, "result": None, "error": error}
