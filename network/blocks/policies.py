"""Signature policies: whose signatures are enough, as Fabric states and evaluates them.

Each signature counts once: AND(A, A) wants two members of A. Rules are tried in order and take the first signature
that fits, which is what peers do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2

from countermark.network.envelopes.wire import encode
from countermark.network.identities import Member, Role

_WIRE_ROLES = {
    None: msp_principal_pb2.MSPRole.MEMBER,
    Role.ADMIN: msp_principal_pb2.MSPRole.ADMIN,
    Role.CLIENT: msp_principal_pb2.MSPRole.CLIENT,
    Role.PEER: msp_principal_pb2.MSPRole.PEER,
    Role.ORDERER: msp_principal_pb2.MSPRole.ORDERER,
}


@dataclass(frozen=True, slots=True)
class SignedBy:
    """A signature by a member of `msp_id` with `role`; any member if the role is None."""

    msp_id: str
    role: Role | None = Role.PEER


@dataclass(frozen=True, slots=True)
class OutOf:
    """At least `n` of the rules."""

    n: int
    rules: tuple["Policy", ...]


Policy = SignedBy | OutOf


def all_of(*rules: Policy) -> OutOf:
    """Return the policy that wants every rule."""
    return OutOf(len(rules), rules)


def any_of(*rules: Policy) -> OutOf:
    """Return the policy that wants one rule."""
    return OutOf(1, rules)


def satisfied(policy: Policy, members: Sequence[Member]) -> bool:
    """Return whether signatures by `members`, each of whom signed once, are enough for `policy`."""
    return _take(policy, tuple(members)) is not None


def policy_bytes(policy: Policy) -> bytes:
    """Return `policy` as the bytes of common.SignaturePolicyEnvelope."""
    return encode(policy_message(policy))


def policy_message(policy: Policy) -> Any:
    """Return `policy` as common.SignaturePolicyEnvelope."""
    principals: list[SignedBy] = []
    rule = _rule(policy, principals)
    identities = [
        msp_principal_pb2.MSPPrincipal(
            principal_classification=msp_principal_pb2.MSPPrincipal.ROLE,
            principal=encode(msp_principal_pb2.MSPRole(msp_identifier=one.msp_id, role=_WIRE_ROLES[one.role])),
        )
        for one in principals
    ]
    return policies_pb2.SignaturePolicyEnvelope(version=0, rule=rule, identities=identities)


def _take(policy: Policy, members: tuple[Member, ...]) -> tuple[Member, ...] | None:
    """Return the members that are left when `policy` has taken its own, or None if they are not enough."""
    if isinstance(policy, SignedBy):
        for index, member in enumerate(members):
            if member.msp_id == policy.msp_id and policy.role in (None, member.role):
                return members[:index] + members[index + 1 :]
        return None
    met, left = 0, members
    for rule in policy.rules:
        after = _take(rule, left)
        if after is not None:
            met, left = met + 1, after
    return left if met >= policy.n else None


def _rule(policy: Policy, principals: list[SignedBy]) -> Any:
    if isinstance(policy, SignedBy):
        if policy not in principals:
            principals.append(policy)
        return policies_pb2.SignaturePolicy(signed_by=principals.index(policy))
    rules = [_rule(one, principals) for one in policy.rules]
    return policies_pb2.SignaturePolicy(n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=policy.n, rules=rules))
