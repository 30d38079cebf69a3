"""Whose signatures an update wants, and whose it lacks: known before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from countermark.network.blocks.configs import ChannelConfig, changed_policies
from countermark.network.blocks.policies import AnyPolicy, MetaPolicy, OutOf, SignedBy, satisfied
from countermark.network.configuration.updates import ConfigUpdate
from countermark.network.errors import ConfigurationError
from countermark.network.identities import Member


@dataclass(frozen=True, slots=True)
class Missing:
    """A policy that is not met yet: `count` more organisations of `msp_ids` must sign."""

    policy: str
    """Where it stands, as in "/Channel/Application/Admins"."""
    count: int
    msp_ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.policy} wants {self.count} more of {', '.join(self.msp_ids) or 'nobody who is on the channel'}"


def needed(config: ChannelConfig, update: ConfigUpdate) -> tuple[str, ...]:
    """Return the paths of the policies that the signers of `update` must meet.

    Raises:
        ConfigurationError: The update is none for `config` as it stands.
        EnvelopeError: A policy is of a kind that is unknown here.
    """
    return tuple(sorted(changed_policies(config, update.serialized)))


def missing(config: ChannelConfig, update: ConfigUpdate, signers: Sequence[Member]) -> tuple[Missing, ...]:
    """Return what `signers`, whose signatures have been verified, lack; nothing if they are enough.

    Raises:
        ConfigurationError: The update is none for `config` as it stands.
        EnvelopeError: A policy is of a kind that is unknown here.
    """
    policies = changed_policies(config, update.serialized)
    return tuple(lack for path in sorted(policies) for lack in _lacks(path, policies[path], signers))


def check_complete(config: ChannelConfig, update: ConfigUpdate, signers: Sequence[Member]) -> None:
    """Return if `signers` are enough for `update`, which must be one of `config` as it stands.

    Raises:
        ConfigurationError: ``signatures_missing``, naming whose; or the update is none for `config`.
    """
    lacking = missing(config, update, signers)
    if lacking:
        raise ConfigurationError("signatures_missing", "; ".join(map(str, lacking)))


def _lacks(path: str, policy: AnyPolicy, signers: Sequence[Member]) -> list[Missing]:
    if satisfied(policy, signers):
        return []
    if isinstance(policy, MetaPolicy) and any(isinstance(one, MetaPolicy) for one in policy.below):
        # Of the whole channel: each group below has its own majority.
        return [lack for one in policy.below for lack in _lacks(path, one, signers)]
    below = (
        policy.below if isinstance(policy, MetaPolicy) else policy.rules if isinstance(policy, OutOf) else (policy,)
    )
    wanted = policy.n if isinstance(policy, MetaPolicy | OutOf) else 1
    unmet = [one for one in below if not satisfied(one, signers)]
    names = sorted({msp_id for one in unmet for msp_id in _named(one)})
    return [Missing(path, wanted - (len(below) - len(unmet)), tuple(names))]


def _named(policy: AnyPolicy) -> set[str]:
    """Return the organisations that `policy` names."""
    if isinstance(policy, SignedBy):
        return {policy.msp_id}
    if isinstance(policy, MetaPolicy):
        return {msp_id for one in policy.below for msp_id in _named(one)}
    if isinstance(policy, OutOf):
        return {msp_id for one in policy.rules for msp_id in _named(one)}
    return {policy.identity.msp_id}
