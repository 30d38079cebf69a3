"""Tell receivers what happens, at least once and in order.

Each webhook remembers the last event that its receiver has taken, so there is nothing to be queued: what comes next
follows from the events of the ledger, which stay. A receiver that has taken an event while its answer was lost is
told again, under the same number. The events of one webhook leave one after the other, and one that is not taken
holds up those behind it; different webhooks do not wait for each other.
"""

import logging
import time

from countermark.platform.observing.about import about
from countermark.platform.ports import Courier, DeliveryError
from countermark.platform.store.engine import Database
from countermark.platform.views import events
from countermark.platform.views.events import Event
from countermark.platform.webhooks.hooks import Webhook, Webhooks
from countermark.platform.webhooks.queue import HookQueue, Leased, LeaseLostError
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError

_log = logging.getLogger(__name__)

LANES = 4
"""How many loops of a worker deliver side by side: a receiver that takes its time holds up one of them."""

TURN, TURN_S = 20, 10.0
"""Most events, and most seconds, before a webhook that has more goes behind the others."""

_MOST_TURNS = 100
"""So that a loop comes back even if there is always something to be told."""


class Deliveries:
    """Delivers what is due. May be shared between threads, and any number may run."""

    def __init__(self, database: Database, webhooks: Webhooks, courier: Courier, *, market: str) -> None:
        """Tell of the market ``market`` (channel/chaincode)."""
        self._database = database
        self._queue = HookQueue(webhooks)
        self._courier = courier
        self._market = market

    def run_once(self) -> int:
        """Deliver to one webhook after the other while any has something to be told; return how many had a turn.

        Raises:
            MarketError: DATABASE_UNAVAILABLE.
        """
        for done in range(_MOST_TURNS):
            with self._database.autocommit() as connection:
                leased = self._queue.lease(connection)
            if leased is None:
                return done
            self._attempt(leased)
        return _MOST_TURNS

    def _attempt(self, leased: Leased) -> None:
        try:
            self._tell(leased)
        except LeaseLostError:
            _log.info("webhook %s was removed or taken over", leased.hook.id)
        except MarketError as error:
            if error.code is ErrorCode.DATABASE_UNAVAILABLE:
                raise
            _log.error("webhook %s rests: %s", leased.hook.id, error)
        except Exception as error:
            # A worker's outermost boundary for one webhook: a defect met here must not starve the others, and the
            # webhook rests until its lease ends. The text of an unforeseen error may quote the URL.
            _log.error("webhook %s rests: %s", leased.hook.id, type(error).__name__)

    def _tell(self, leased: Leased) -> None:
        with self._database.autocommit() as connection:
            batch = events.own_after(connection, leased.hook.position, account=leased.hook.account, most=TURN)
        ends = time.monotonic() + TURN_S
        for event in batch:
            if time.monotonic() > ends:
                break
            with self._database.begin() as connection:
                self._queue.renew(connection, leased)
            try:
                self._courier.deliver(leased.hook.url, payload(self._market, leased.hook, event))
            except DeliveryError as error:
                with about(txid=event.tx_id, trade=event.subject):
                    self._fail(leased, error)
                break
            with self._database.begin() as connection:
                leased = self._queue.advance(connection, leased, event.seq)
        with self._database.begin() as connection:
            if not batch:
                # Nothing up to there concerns the account after all: it is not looked at again for that.
                leased = self._queue.advance(connection, leased, leased.hook.news)
            self._queue.release(connection, leased)

    def _fail(self, leased: Leased, error: DeliveryError) -> None:
        with self._database.begin() as connection:
            hook = self._queue.fail(connection, leased, error.reason, gone=error.gone).hook
        _log.info("webhook %s: %s, failure %d, now %s", hook.id, error.reason, hook.failures, hook.state)


def payload(market: str, hook: Webhook, event: Event) -> bytes:
    """Return what is delivered: canonical JSON of what the event stream tells the account, and to whom it is told."""
    return canonical.dumps({"account": hook.account, "event": event.to_json(), "market": market, "webhook": hook.id})
