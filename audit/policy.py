"""Who must have endorsed what: as the channel has agreed, which must not be less than the market needs.

The market's own rule (protocol.md, "Parties"): supervisor and one other organisation for everything, platform and
supervisor for private collections. A chaincode's definition may want more than that and must not want less, whoever
has committed it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from countermark.audit.errors import AuditError
from countermark.network.blocks import (
    LIFECYCLE,
    NOBODY,
    AnyPolicy,
    ChaincodeDefinition,
    ChannelConfig,
    MetaPolicy,
    OutOf,
    SignedBy,
    SignedByIdentity,
    Transaction,
    all_of,
    any_of,
    satisfied,
)
from countermark.network.identities import Member, Role

_IMPLICIT = "_implicit_org_"


@dataclass(frozen=True)
class MarketPolicy:
    """Whose endorsements the transactions of a market want, and those of Fabric's lifecycle."""

    writers: AnyPolicy
    """Who may submit transactions."""
    public: AnyPolicy
    private: AnyPolicy
    """For collections that are not named."""
    lifecycle: AnyPolicy
    own: Mapping[str, AnyPolicy] = field(repr=False)
    """For each organisation's own collection, by MSP id."""
    collections: Mapping[str, AnyPolicy] = field(default_factory=dict, repr=False)

    def needed(self, transaction: Transaction) -> tuple[AnyPolicy, ...]:
        """Return the policies that the endorsements of ``transaction`` must meet.

        As in Fabric, a collection's policy holds for its writes, and the chaincode's for all public writes and for
        transactions that write nothing.
        """
        policies = [self._collection(hashes.collection) for hashes in transaction.private_hashes if hashes.writes]
        if transaction.writes or not policies:
            policies.append(self.lifecycle if transaction.chaincode == LIFECYCLE else self.public)
        return tuple(policies)

    def _collection(self, name: str) -> AnyPolicy:
        own = self.own.get(name.removeprefix(_IMPLICIT)) if name.startswith(_IMPLICIT) else None
        return own or self.collections.get(name, self.private)


def market_policy(
    config: ChannelConfig, organisations: Iterable[str], *, platform: str, supervisor: str
) -> MarketPolicy:
    """Return the market's own policy among ``organisations``: that of a ledger without any definition."""
    others = [SignedBy(msp_id) for msp_id in organisations if msp_id != supervisor]
    return MarketPolicy(
        public=all_of(SignedBy(supervisor), any_of(*others)),
        private=all_of(SignedBy(platform), SignedBy(supervisor)),
        **_of_channel(config),
    )


def defined_policy(
    config: ChannelConfig, definition: ChaincodeDefinition, *, platform: str, supervisor: str
) -> MarketPolicy:
    """Return the policy that ``definition`` makes.

    Raises:
        AuditError: ``policy_too_weak``; endorsements would be enough by it that are not enough for a market.
    """
    organisations = config.organisations.msp_ids
    others = frozenset(organisations) - {supervisor}
    for parties in (frozenset({supervisor}), others):
        _check_needs(definition.policy, organisations, parties, "the chaincode's policy")
    for name, policy in definition.collections.items():
        for party in (platform, supervisor):
            _check_needs(policy, organisations, frozenset({party}), f"the policy of collection {name}")
    return MarketPolicy(
        public=definition.policy,
        private=NOBODY,
        collections=definition.collections,
        **_of_channel(config),
    )


def foreign_policy(config: ChannelConfig, definition: ChaincodeDefinition) -> MarketPolicy:
    """Return the policy of a chaincode on the channel that is not the market's: whatever its `definition` says.

    What it writes is nobody's money here; that it was endorsed as agreed shows whether the peer's books are right.
    """
    return MarketPolicy(
        public=definition.policy, private=NOBODY, collections=definition.collections, **_of_channel(config)
    )


class _OfChannel(TypedDict):
    writers: AnyPolicy
    lifecycle: AnyPolicy
    own: Mapping[str, AnyPolicy]


def _of_channel(config: ChannelConfig) -> _OfChannel:
    return _OfChannel(
        writers=config.policy("/Channel/Application/Writers"),
        lifecycle=config.policy("/Channel/Application/LifecycleEndorsement"),
        own={msp_id: config.endorsement_by(msp_id) for msp_id in config.organisations.msp_ids},
    )


def _check_needs(policy: AnyPolicy, organisations: Iterable[str], parties: frozenset[str], what: str) -> None:
    """Check that ``policy`` is not met without a peer of one of ``parties``, whoever else signs, however often."""
    leaves = list(_leaves(policy))
    if any(isinstance(leaf, SignedByIdentity) for leaf in leaves):
        raise AuditError("policy_too_weak", f"{what} names single certificates, whoever's these are")
    others = [
        Member(msp_id, role, "", f"{msp_id}/{role}/{number}".encode())
        for msp_id in organisations
        for role in Role
        for number in range(len(leaves))
        if msp_id not in parties or role is not Role.PEER
    ]
    if satisfied(policy, others):
        raise AuditError("policy_too_weak", f"{what} is met without a peer of {' or '.join(sorted(parties))}")


def _leaves(policy: AnyPolicy) -> Iterator[SignedBy | SignedByIdentity]:
    match policy:
        case MetaPolicy(below=policies) | OutOf(rules=policies):
            for one in policies:
                yield from _leaves(one)
        case leaf:
            yield leaf
