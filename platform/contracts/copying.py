"""Keep a copy of the descriptions of what is on the market: for whoever has the ledger, and no applications.

A copy is stored only if the ledger's commitment proves it, so its reader depends on the platform for its presence and
not for its truth. From then on he browses and searches words without asking anybody.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from countermark.platform.contracts.marks import is_erased
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.contracts.publication import is_public, search_text
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.ports import Descriptions
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import Row, select, update
from countermark.protocol.commitments import commit
from countermark.protocol.errors import ErrorCode, MarketError

REST_S = 30.0
"""How long nothing is asked of a platform that did not answer."""

_AT_ONCE = 100


class CopyingJob(LeasedJob[Row[Any]]):
    """Fills description and salt of contracts that have come on the market; items are rows of `data_contracts`."""

    name: ClassVar[str] = "descriptions"

    def __init__(
        self,
        database: Database,
        *,
        columns: PrivateColumns,
        source: Descriptions,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(database)
        self._columns = columns
        self._source = source
        self._now = now
        self._rests_until = 0.0

    def find(self) -> Iterable[Row[Any]]:
        """Yield rows without a description that is public, the newest first, while the platform answers."""
        contracts = tables.data_contracts
        query = (
            select(contracts)
            .where(
                contracts.c.state.is_not(None),
                is_public(),
                # Empty where it was erased.
                contracts.c.search_text.is_(None),
                is_erased().is_not(True),
            )
            .order_by(contracts.c.created_block.desc(), contracts.c.address)
            .limit(_AT_ONCE)
        )
        with self.database.autocommit() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            if self._now() < self._rests_until:
                return
            yield row

    def handle(self, item: Row[Any]) -> bool:
        """Ask for one description, and store it if it is the one that was committed to."""
        try:
            described = self._source.tell(item.address)
        except MarketError as error:
            if error.code is ErrorCode.PLATFORM_UNAVAILABLE:
                self._rests_until = self._now() + REST_S
            raise
        contracts = tables.data_contracts
        if described is None:
            values: dict[str, Any] = {"search_text": ""}
        else:
            description = described.description
            if commit("d", described.salt_d, description.to_bytes()) != item.record["c_d"]:
                raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the platform tells another description")
            sealed = self._columns.sealed_copy(item.address, description, described.salt_d)
            values = {**sealed, "search_text": search_text(description)}
        # It may have been erased since it was told.
        still = update(contracts).where(contracts.c.address == item.address, is_erased().is_not(True))
        with self.database.autocommit() as connection:
            return connection.execute(still.values(values)).rowcount > 0

    def describe(self, item: Row[Any]) -> str:
        """Return the contract's address."""
        return str(item.address)
