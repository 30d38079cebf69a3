"""Where registrations stand: ledger, outbox and registration seen together."""

from collections.abc import Iterable
from dataclasses import dataclass

from countermark.platform.matching.decision import Decision, Standing, standing
from countermark.platform.store import tables
from countermark.platform.store.outbox import State
from countermark.platform.store.sql import Connection, and_, select

FAILED = (State.REFUSED, State.INVALID)
"""Ends of a `listing.create` after which there is no contract and never will be one by that intent."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration's owner (an account address; the seller while the ledger has not committed) and standing."""

    owner: str
    standing: Standing


def load_standings(connection: Connection, addresses: Iterable[str]) -> dict[str, Registered]:
    """Return the standing of each of ``addresses``; those that the gate never allowed are left out.

    A registration whose `listing.create` the ledger has refused for good is VOID, even before the job that clears
    it away has run.
    """
    contracts, registrations, outbox = tables.data_contracts, tables.registrations, tables.outbox
    query = (
        select(
            registrations.c.address,
            registrations.c.seller,
            registrations.c.failure,
            contracts.c.owner,
            contracts.c.state,
            outbox.c.state.label("attempt"),
        )
        .select_from(registrations)
        .outerjoin(contracts, contracts.c.address == registrations.c.address)
        .outerjoin(outbox, and_(outbox.c.request_id == registrations.c.request_id, outbox.c.superseded_by.is_(None)))
        .where(registrations.c.address.in_(list(addresses)), registrations.c.decision == Decision.ALLOWED)
    )
    found: dict[str, Registered] = {}
    for row in connection.execute(query):
        if row.state is not None:
            found[row.address] = Registered(row.owner, standing(row.state))
        elif row.failure is not None or row.attempt in FAILED:
            found[row.address] = Registered(row.seller, Standing.VOID)
        else:
            found[row.address] = Registered(row.seller, Standing.PENDING)
    return found
