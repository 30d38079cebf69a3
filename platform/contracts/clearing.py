"""Take away what the gate had allowed and the ledger refused: the other half of "both or neither" (R27)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from countermark.platform.jobs.leased import LeasedJob
from countermark.platform.matching.decision import Decision
from countermark.platform.matching.standings import FAILED
from countermark.platform.store import tables
from countermark.platform.store.sql import and_, delete, select, update
from countermark.protocol.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Failed:
    """A registration without a contract, and the code of why."""

    case_number: str
    address: str
    code: str


class ClearingJob(LeasedJob[Failed]):
    """Removes the rows of contracts that never came to be; the decision itself stays, with the ledger's code."""

    name: ClassVar[str] = "registration-clearing"

    def find(self) -> Iterable[Failed]:
        """Return the allowed registrations whose transaction has come to an end other than a commit."""
        registrations, outbox = tables.registrations, tables.outbox
        query = (
            select(registrations.c.case_number, registrations.c.address, outbox.c.error_code)
            .join(outbox, and_(outbox.c.request_id == registrations.c.request_id, outbox.c.superseded_by.is_(None)))
            .where(
                registrations.c.decision == Decision.ALLOWED,
                registrations.c.failure.is_(None),
                registrations.c.deposited_ms.is_(None),  # else it has committed
                outbox.c.state.in_(FAILED),
            )
        )
        with self.database.autocommit() as connection:
            return [
                Failed(row.case_number, row.address, row.error_code or str(ErrorCode.CONFLICT))
                for row in connection.execute(query)
            ]

    def handle(self, item: Failed) -> bool:
        """Remove the rows, and record why, in one transaction."""
        contracts, registrations = tables.data_contracts, tables.registrations
        with self.database.begin() as connection:
            # A row that the projector has filled stands for a contract, whatever the outbox says.
            removed = connection.execute(
                delete(contracts).where(contracts.c.address == item.address, contracts.c.state.is_(None))
            )
            if removed.rowcount == 0:
                return False
            items = tables.item_fingerprints
            connection.execute(delete(items).where(items.c.address == item.address))
            connection.execute(
                update(registrations).where(registrations.c.case_number == item.case_number).values(failure=item.code)
            )
        return True

    def describe(self, item: Failed) -> str:
        """Return the case number."""
        return item.case_number
