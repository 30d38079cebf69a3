"""Where registrations stand: ledger, outbox and registration seen together."""

from collections.abc import Iterable
from dataclasses import dataclass

from countermark.fingerprint.kinds import COLLECTION
from countermark.platform.matching.candidates import Standing, standing
from countermark.platform.matching.decision import Decision
from countermark.platform.store import tables
from countermark.platform.store.outbox import State
from countermark.platform.store.sql import Connection, and_, func, select

FAILED = (State.REFUSED, State.INVALID)
"""Ends of a `listing.create` after which there is no contract and never will be one by that intent."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration's owner (an account address; the seller while the ledger has not committed) and standing.

    ``erased`` says that its opening was purged, and its fingerprints with it.
    """

    owner: str
    standing: Standing
    erased: bool = False


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
            contracts.c.record["awarded"].astext.label("awarded"),
            contracts.c.record["erased"].astext.label("erased"),
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
            erased = row.erased == "true"
            where = standing(row.state, awarded=bool(row.awarded), erased=erased)
            found[row.address] = Registered(row.owner, where, erased)
        elif row.failure is not None or row.attempt in FAILED:
            found[row.address] = Registered(row.seller, Standing.VOID)
        else:
            found[row.address] = Registered(row.seller, Standing.PENDING)
    return found


def count_items(connection: Connection, addresses: Iterable[str]) -> dict[str, int]:
    """Return how many items the registration of each of ``addresses`` has, 1 at least, by address."""
    items = tables.item_fingerprints
    query = (
        select(items.c.address, items.c.generator, func.count().label("number"))
        .where(items.c.address.in_(list(addresses)))
        .group_by(items.c.address, items.c.generator)
    )
    of_kind: dict[str, dict[str, int]] = {address: {} for address in addresses}
    for row in connection.execute(query):
        kind = row.generator.partition("/")[0]
        if kind != COLLECTION:
            counts = of_kind[row.address]
            counts[kind] = max(counts.get(kind, 0), int(row.number))
    return {address: max(sum(counts.values()), 1) for address, counts in of_kind.items()}
