"""Who must have endorsed what (protocol.md, "Parties"): the market's policy, as an auditor expects it."""

from collections.abc import Iterable
from dataclasses import dataclass

from countermark.network.blocks import Policy, SignedBy, Transaction, all_of, any_of


@dataclass(frozen=True)
class MarketPolicy:
    """Supervisor and one other organisation for everything; platform and supervisor for the private collection."""

    chaincode: str
    public: Policy
    private: Policy

    def needed(self, transaction: Transaction) -> tuple[Policy, ...]:
        """Return the policies that the endorsements of ``transaction`` must meet.

        As in Fabric, a collection's own policy holds for its writes instead of the chaincode's, which holds for all
        public writes and for transactions that write nothing.
        """
        private = any(hashes.writes for hashes in transaction.private_hashes)
        policies = [self.private] if private else []
        if transaction.writes or not private:
            policies.append(self.public)
        return tuple(policies)


def market_policy(chaincode: str, organisations: Iterable[str], *, platform: str, supervisor: str) -> MarketPolicy:
    """Return the policy for the MSP ids ``organisations`` of the channel."""
    others = [SignedBy(msp_id) for msp_id in organisations if msp_id != supervisor]
    return MarketPolicy(
        chaincode,
        public=all_of(SignedBy(supervisor), any_of(*others)),
        private=all_of(SignedBy(platform), SignedBy(supervisor)),
    )
