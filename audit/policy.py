"""Who must have endorsed what (protocol.md, "Parties"): the market's policy, as an auditor expects it."""

from collections.abc import Iterable
from dataclasses import dataclass

from countermark.network.blocks import OutOf, Policy, SignedBy, Transaction, all_of, any_of

LIFECYCLE = "_lifecycle"
"""Fabric's own chaincode, by which organisations approve and commit the market's."""

_IMPLICIT = "_implicit_org_"


@dataclass(frozen=True)
class MarketPolicy:
    """Supervisor and one other organisation for everything; platform and supervisor for the private collection.

    For Fabric's lifecycle, a majority commits, and each organisation approves for itself.
    """

    chaincode: str
    public: Policy
    private: Policy
    majority: Policy

    def needed(self, transaction: Transaction) -> tuple[Policy, ...]:
        """Return the policies that the endorsements of ``transaction`` must meet.

        As in Fabric, a collection's own policy holds for its writes instead of the chaincode's, which holds for all
        public writes and for transactions that write nothing.
        """
        if transaction.chaincode == LIFECYCLE:
            return self._lifecycle(transaction)
        private = any(hashes.writes for hashes in transaction.private_hashes)
        policies = [self.private] if private else []
        if transaction.writes or not private:
            policies.append(self.public)
        return tuple(policies)

    def _lifecycle(self, transaction: Transaction) -> tuple[Policy, ...]:
        policies: list[Policy] = [
            SignedBy(hashes.collection.removeprefix(_IMPLICIT))
            for hashes in transaction.private_hashes
            if hashes.writes and hashes.collection.startswith(_IMPLICIT)
        ]
        if transaction.writes or not policies:
            policies.append(self.majority)
        return tuple(policies)


def market_policy(chaincode: str, organisations: Iterable[str], *, platform: str, supervisor: str) -> MarketPolicy:
    """Return the policy for the MSP ids ``organisations`` of the channel."""
    everybody = tuple(SignedBy(msp_id) for msp_id in organisations)
    others = [one for one in everybody if one.msp_id != supervisor]
    return MarketPolicy(
        chaincode,
        public=all_of(SignedBy(supervisor), any_of(*others)),
        private=all_of(SignedBy(platform), SignedBy(supervisor)),
        majority=OutOf(len(everybody) // 2 + 1, everybody),
    )
