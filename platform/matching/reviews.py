"""Cases in the review band: a person looks at them, and his word lets the same data pass the next time.

The seller is told the case number; after an approval he applies again with a new intent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from countermark.platform.matching.decision import Decision
from countermark.platform.matching.findings import open_findings
from countermark.platform.matching.gate import APPROVED
from countermark.platform.matching.holdings import Share
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import ColumnElement, Connection, and_, select, update
from countermark.protocol.errors import ErrorCode, MarketError

REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Case:
    """A case that waits for a person; ``matched`` are the contracts that the data resemble.

    ``shares`` tell how much of whose is at hand, whether or not it is why he has to look.
    """

    case_number: str
    seller: str
    matched: tuple[str, ...]
    decided_ms: int
    shares: tuple[Share, ...] = ()


class Reviews:
    """The cases under review. All methods run in the caller's transaction."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def waiting(self, connection: Connection, *, limit: int = 100) -> Sequence[Case]:
        """Return the cases that nobody has resolved, the oldest first."""
        registrations = tables.registrations
        query = (
            select(registrations)
            .where(registrations.c.decision == Decision.UNDER_REVIEW, registrations.c.resolution.is_(None))
            .order_by(registrations.c.decided_ms, registrations.c.case_number)
            .limit(limit)
        )
        cases = []
        for row in connection.execute(query):
            findings = open_findings(self._box, row.case_number, row.matched)
            cases.append(Case(row.case_number, row.seller, findings.matched, row.decided_ms, findings.shares))
        return cases

    def find(self, connection: Connection, case_number: str) -> None:
        """Check that the case waits.

        Raises:
            MarketError: NOT_FOUND when no such case waits.
        """
        if connection.execute(select(tables.registrations.c.case_number).where(_waits(case_number))).first() is None:
            raise _unknown()

    def resolve(self, connection: Connection, case_number: str, *, approve: bool) -> None:
        """Record what the person says; an approval is for these data beside these contracts, and for no others.

        Raises:
            MarketError: NOT_FOUND when no such case waits.
        """
        registrations = tables.registrations
        resolved = connection.execute(
            update(registrations).where(_waits(case_number)).values(resolution=APPROVED if approve else REJECTED)
        )
        if resolved.rowcount == 0:
            raise _unknown()


def _waits(case_number: str) -> ColumnElement[bool]:
    registrations = tables.registrations
    return and_(
        registrations.c.case_number == case_number,
        registrations.c.decision == Decision.UNDER_REVIEW,
        registrations.c.resolution.is_(None),
    )


def _unknown() -> MarketError:
    return MarketError(ErrorCode.NOT_FOUND, "no such case waits for a decision")
