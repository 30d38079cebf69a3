"""Jobs that any number of workers may run: one of them at a time, item by item."""

import logging
import math
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from countermark.faults import Point, reach
from countermark.platform.observing.about import about
from countermark.platform.ports import LedgerError
from countermark.platform.store import leases
from countermark.platform.store.engine import Database
from countermark.protocol.errors import MarketError

log = logging.getLogger(__name__)

Item = TypeVar("Item")

LEASE_MS = 30_000
"""How long a worker that hangs keeps others from its job; a working one renews in time, before an item."""

_RENEWED_S = LEASE_MS / 3000
"""How long a renewed lease is relied on without asking."""


class LeasedJob(ABC, Generic[Item]):
    """A job that looks for items and handles each on its own: one that fails does not keep the others waiting.

    A failed item is simply found again by a later run, since what is to be done follows from the tables alone.

    An item may outlast the lease, so two workers may handle the same one. `handle` must do no harm then: acts on the
    ledger are made once (`jobs.acts`), rows are changed under their lock or only from the state that was seen, and
    objects are sealed once.
    """

    name: ClassVar[str]
    """Name of the lease and in the log."""

    def __init__(self, database: Database) -> None:
        self.database = database
        # Each instance is a worker of its own, in whatever process or thread it runs.
        self._holder = secrets.token_hex(8)
        self._renewed = -math.inf

    def run_once(self) -> int:
        """Handle everything that is to be done now, and return for how many items something was done.

        Returns 0 as well while another worker has the job. The lease is taken for the first item: every block wakes
        every job, and most find nothing.

        Raises:
            MarketError: DATABASE_UNAVAILABLE; no item can be looked for.
        """
        done = 0
        try:
            for item in self.find():
                leased = self._renewed > -math.inf
                if not self._renew():
                    if leased:
                        log.warning("job %s: the lease was lost", self.name)
                    break
                reach(Point.JOB_LEASED)
                with about(trade=self.trade(item)):
                    done += self._attempt(item)
        finally:
            self._release()
        return done

    @abstractmethod
    def find(self) -> Iterable[Item]:
        """Return the items to be handled; no transaction is open while they are."""

    @abstractmethod
    def handle(self, item: Item) -> bool:
        """Handle one item, and return whether anything was done. May be called again for the same item."""

    @abstractmethod
    def describe(self, item: Item) -> str:
        """Return the item's public name for the log, such as a trade's id."""

    def trade(self, item: Item) -> str:
        """Return the id of the trade that the item is about, if any: it stands on all lines while it is handled."""
        return ""

    def _renew(self) -> bool:
        now = time.monotonic()
        if now - self._renewed < _RENEWED_S:
            return True
        if not leases.acquire(self.database, self.name, holder=self._holder, duration_ms=LEASE_MS):
            self._renewed = -math.inf
            return False
        self._renewed = now
        return True

    def _release(self) -> None:
        if self._renewed > -math.inf:
            self._renewed = -math.inf
            leases.release(self.database, self.name, holder=self._holder)

    def _attempt(self, item: Item) -> bool:
        try:
            return self.handle(item)
        except (MarketError, LedgerError) as error:
            # Both are written to be shown: codes, ids and a detail without secrets.
            log.warning("job %s: %s failed: %s", self.name, self.describe(item), error)
        except Exception as error:
            # This is a worker's outermost boundary for one item: a defect met here must not starve all others. Only
            # the type is logged, since the text of an unforeseen error may quote what it choked on.
            log.error("job %s: %s failed: %s", self.name, self.describe(item), type(error).__name__)
        return False
