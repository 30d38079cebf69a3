"""Delete the evidence of claims when nobody may need it any more: some days after the claim's end (D-9).

The supervisor's legal hold on a contract keeps it.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from countermark.platform.claims.papers import evidence_folder
from countermark.platform.contracts.marks import is_held, keeps_all
from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.ports import ObjectStore
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.sql import and_, or_, select, update
from countermark.protocol import times

DAY_MS = 86_400_000


class ClaimRetentionJob(LeasedJob[str]):
    """Deletes what was shown in claims that have ended, and in those that never came about; items are their ids."""

    name: ClassVar[str] = "claim-retention"

    def __init__(
        self, database: Database, *, objects: ObjectStore, clock: Callable[[], int], kept_days: int = 30
    ) -> None:
        """Create the job; evidence is kept ``kept_days`` days after the end of its claim."""
        super().__init__(database)
        self._objects = objects
        self._clock = clock
        self._kept_ms = kept_days * DAY_MS

    def find(self) -> Iterable[str]:
        """Return the claims whose evidence has had its last day."""
        papers, claims, contracts = tables.claim_papers, tables.claims, tables.data_contracts
        before_ms = self._clock() - self._kept_ms
        query = (
            select(papers.c.claim)
            .outerjoin(claims, claims.c.id == papers.c.claim)
            .outerjoin(contracts, contracts.c.address == claims.c.listing)
            .where(
                papers.c.deleted_ms.is_(None),
                is_held().is_not(True),
                or_(
                    # Handed in for what the ledger has never taken.
                    and_(claims.c.id.is_(None), papers.c.stored_ms <= self._clock() - DAY_MS),
                    and_(
                        claims.c.deadline_ms.is_(None),
                        claims.c.record["updated_at"].astext <= times.to_text(max(before_ms, 0)),
                    ),
                ),
            )
        )
        with self.database.begin() as connection:
            return connection.execute(query).scalars().all()

    def handle(self, item: str) -> bool:
        """Delete the evidence of one claim."""
        papers, claims = tables.claim_papers, tables.claims
        claimed = select(claims.c.listing).where(claims.c.id == item)
        with self.database.begin() as connection:
            listing = connection.execute(claimed).scalar_one_or_none()
            if listing is not None and keeps_all(connection, listing):
                return False
            this = and_(papers.c.claim == item, papers.c.deleted_ms.is_(None))
            marked = connection.execute(update(papers).where(this).values(deleted_ms=self._clock()))
            if marked.rowcount:
                # Should the row not be committed, deleting again does no harm.
                self._objects.clear(evidence_folder(item))
        return bool(marked.rowcount)

    def describe(self, item: str) -> str:
        """Return the claim's id."""
        return item

    def trade(self, item: str) -> str:
        """Return "": a claim is of no trade."""
        return ""
