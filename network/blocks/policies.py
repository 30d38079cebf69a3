"""Policies: whose signatures are enough, as Fabric states and evaluates them.

In a signature policy each signature counts once: AND(A, A) wants two members of A. Rules are tried in order and take
the first signature that fits, which is what peers do. A meta policy asks each of the policies below it by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2

from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError, IdentityError
from countermark.network.identities import Member, Role, SerializedIdentity

_WIRE_ROLES = {
    None: msp_principal_pb2.MSPRole.MEMBER,
    Role.ADMIN: msp_principal_pb2.MSPRole.ADMIN,
    Role.CLIENT: msp_principal_pb2.MSPRole.CLIENT,
    Role.PEER: msp_principal_pb2.MSPRole.PEER,
    Role.ORDERER: msp_principal_pb2.MSPRole.ORDERER,
}
_ROLES = {wire: role for role, wire in _WIRE_ROLES.items()}


@dataclass(frozen=True, slots=True)
class SignedBy:
    """A signature by a member of `msp_id` with `role`; any member if the role is None."""

    msp_id: str
    role: Role | None = Role.PEER


@dataclass(frozen=True, slots=True)
class SignedByIdentity:
    """A signature by the one member with this certificate."""

    identity: SerializedIdentity


@dataclass(frozen=True, slots=True)
class OutOf:
    """At least `n` of the rules."""

    n: int
    rules: tuple["Policy", ...]


Policy = SignedBy | SignedByIdentity | OutOf


@dataclass(frozen=True, slots=True)
class MetaPolicy:
    """At least `n` of the policies below, each of which looks at all signatures; `n` 0 wants none."""

    n: int
    below: tuple["AnyPolicy", ...]


AnyPolicy = Policy | MetaPolicy

NOBODY = OutOf(1, ())
"""The policy that no signatures satisfy: what Fabric takes where one is named that does not exist."""


def all_of(*rules: Policy) -> OutOf:
    """Return the policy that wants every rule."""
    return OutOf(len(rules), rules)


def any_of(*rules: Policy) -> OutOf:
    """Return the policy that wants one rule."""
    return OutOf(1, rules)


def satisfied(policy: AnyPolicy, members: Sequence[Member]) -> bool:
    """Return whether signatures by `members`, each of whom signed once, are enough for `policy`."""
    if isinstance(policy, MetaPolicy):
        return sum(satisfied(one, members) for one in policy.below) >= policy.n
    return _take(policy, tuple(members)) is not None


def policy_bytes(policy: Policy) -> bytes:
    """Return `policy` as the bytes of common.SignaturePolicyEnvelope."""
    return encode(policy_message(policy))


def policy_message(policy: Policy) -> Any:
    """Return `policy` as common.SignaturePolicyEnvelope."""
    principals: list[SignedBy | SignedByIdentity] = []
    rule = _rule(policy, principals)
    identities = [_principal(one) for one in principals]
    return policies_pb2.SignaturePolicyEnvelope(version=0, rule=rule, identities=identities)


def parse_policy(data: bytes) -> Policy:
    """Return the policy in the bytes of common.SignaturePolicyEnvelope.

    Raises:
        EnvelopeError: They do not parse, or want something else than roles and identities (``unsupported_policy``).
    """
    return policy_of(decode(policies_pb2.SignaturePolicyEnvelope, data, "signature policy"))


def policy_of(message: Any) -> Policy:
    """Return the policy in `message` (common.SignaturePolicyEnvelope).

    Raises:
        EnvelopeError: It refers to principals that it does not name, or wants something else than roles and
            identities (``unsupported_policy``).
    """
    return _parse_rule(message.rule, [_parse_principal(one) for one in message.identities])


def _take(policy: Policy, members: tuple[Member, ...]) -> tuple[Member, ...] | None:
    """Return the members that are left when `policy` has taken its own, or None if they are not enough."""
    if isinstance(policy, SignedBy):
        for index, member in enumerate(members):
            if member.msp_id == policy.msp_id and policy.role in (None, member.role):
                return members[:index] + members[index + 1 :]
        return None
    if isinstance(policy, SignedByIdentity):
        named = policy.identity.msp_id, policy.identity.certificate.fingerprint
        for index, member in enumerate(members):
            if (member.msp_id, member.fingerprint) == named:
                return members[:index] + members[index + 1 :]
        return None
    met, left = 0, members
    for rule in policy.rules:
        after = _take(rule, left)
        if after is not None:
            met, left = met + 1, after
    return left if met >= policy.n else None


def _rule(policy: Policy, principals: list[SignedBy | SignedByIdentity]) -> Any:
    if not isinstance(policy, OutOf):
        if policy not in principals:
            principals.append(policy)
        return policies_pb2.SignaturePolicy(signed_by=principals.index(policy))
    rules = [_rule(one, principals) for one in policy.rules]
    return policies_pb2.SignaturePolicy(n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=policy.n, rules=rules))


def _principal(principal: SignedBy | SignedByIdentity) -> Any:
    if isinstance(principal, SignedByIdentity):
        return msp_principal_pb2.MSPPrincipal(
            principal_classification=msp_principal_pb2.MSPPrincipal.IDENTITY, principal=principal.identity.serialized
        )
    role = msp_principal_pb2.MSPRole(msp_identifier=principal.msp_id, role=_WIRE_ROLES[principal.role])
    return msp_principal_pb2.MSPPrincipal(
        principal_classification=msp_principal_pb2.MSPPrincipal.ROLE, principal=encode(role)
    )


def _parse_principal(wire: Any) -> SignedBy | SignedByIdentity:
    if wire.principal_classification == msp_principal_pb2.MSPPrincipal.ROLE:
        role = decode(msp_principal_pb2.MSPRole, wire.principal, "role")
        if role.role in _ROLES:
            return SignedBy(role.msp_identifier, _ROLES[role.role])
    if wire.principal_classification == msp_principal_pb2.MSPPrincipal.IDENTITY:
        try:
            identity = SerializedIdentity.parse(wire.principal)
            identity.certificate  # noqa: B018 - raises unless it can be compared
        except IdentityError as error:
            raise EnvelopeError("unsupported_policy", f"a principal that is no identity: {error}") from error
        return SignedByIdentity(identity)
    raise EnvelopeError("unsupported_policy", f"a principal of class {wire.principal_classification}")


def _parse_rule(wire: Any, principals: Sequence[SignedBy | SignedByIdentity]) -> Policy:
    match wire.WhichOneof("Type"):
        case "signed_by" if 0 <= wire.signed_by < len(principals):
            return principals[int(wire.signed_by)]
        case "n_out_of":
            return OutOf(wire.n_out_of.n, tuple(_parse_rule(one, principals) for one in wire.n_out_of.rules))
    raise EnvelopeError("malformed_policy", "a rule without a signer")
