"""Whose endorsements make a transaction valid, for the ledger in memory (protocol.md, "Parties")."""

from collections.abc import Collection, Mapping
from typing import Final

from countermark.chaincode.simulation import Effects

SUPERVISOR: Final = "SupervisorMSP"
ORGANISATIONS: Final = frozenset({"PlatformMSP", SUPERVISOR, "TraderMSP"})
"""The organisations of the channel; endorsements of others do not count."""


def suffice(endorsers: Collection[str], effects: Effects, collections: Mapping[str, frozenset[str]]) -> bool:
    """Return whether the organisations ``endorsers`` can make a transaction with ``effects`` valid.

    Public writes, and transactions that write nothing, need the supervisor and any other organisation. As in Fabric,
    a collection's own policy holds for its writes instead: here, all of its members.
    """
    given = ORGANISATIONS & set(endorsers)
    written = {collection for collection, _ in effects.private_writes}
    public = effects.writes or effects.policies or not written
    if public and not (SUPERVISOR in given and len(given) > 1):
        return False
    return all(collections[collection] <= given for collection in written)
