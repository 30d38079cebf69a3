"""What of others' a seller has registered before, little by little: cuts that are thin one by one add up."""

from collections.abc import Mapping
from dataclasses import dataclass

from countermark.platform.matching.decision import Decision
from countermark.platform.matching.findings import open_findings
from countermark.platform.matching.likeness import Item
from countermark.platform.store import tables
from countermark.platform.store.secrets import SecretBox
from countermark.platform.store.sql import Connection, or_, select
from countermark.protocol.transitions import ListingState


@dataclass(frozen=True, slots=True)
class History:
    """What a seller's registrations hold of others': items by contract address, and how many of his own items are."""

    taken: Mapping[str, frozenset[Item]]
    of_others: int


def load_history(connection: Connection, box: SecretBox, seller: str) -> History:
    """Return what the registrations of ``seller`` hold of others'; those that came to nothing do not count."""
    registrations, contracts = tables.registrations, tables.data_contracts
    query = (
        select(registrations.c.case_number, registrations.c.matched, registrations.c.of_others)
        .join(contracts, contracts.c.address == registrations.c.address)
        .where(
            registrations.c.seller == seller,
            registrations.c.decision == Decision.ALLOWED,
            registrations.c.failure.is_(None),
            registrations.c.of_others > 0,
            or_(contracts.c.state.is_(None), contracts.c.state != str(ListingState.VOID)),
        )
    )
    taken: dict[str, frozenset[Item]] = {}
    of_others = 0
    for row in connection.execute(query):
        of_others += row.of_others
        for share in open_findings(box, row.case_number, row.matched).shares:
            if share.owner != seller:
                taken[share.address] = taken.get(share.address, frozenset()) | share.taken
    return History(taken, of_others)
