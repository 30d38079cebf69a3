"""What the channel has agreed on about its chaincode: whose endorsements it needs, and its private collections."""

from collections.abc import Sequence
from dataclasses import dataclass

from countermark.network.blocks import OutOf, Policy, ReadWriteSet, SignedBy, all_of, any_of
from countermark.network.errors import NetworkError
from countermark.network.identities import Role


class DefinitionError(NetworkError):
    """A policy that cannot be: malformed, or not to be said in the form that is asked for."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A private collection; only `members` hold its values, and only their clients read and write them."""

    name: str
    members: frozenset[str]
    policy: Policy | None = None
    """Endorsement that its writes need instead of the chaincode's; `None` if the chaincode's holds."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A chaincode as the channel has committed it."""

    name: str
    version: str
    policy: Policy
    collections: tuple[Collection, ...] = ()

    def collection(self, name: str) -> Collection | None:
        """Return the collection of that name, or `None`."""
        return next((collection for collection in self.collections if collection.name == name), None)

    def policies(self, rwset: ReadWriteSet) -> tuple[Policy, ...]:
        """Return what endorsements of `rwset` must satisfy.

        As in Fabric: writes to a collection with a policy of its own need that one, all other writes the
        chaincode's, and so does a transaction that writes nothing.
        """
        written = {hashes.collection for hashes in rwset.private_hashes if hashes.writes}
        own = {name: collection.policy for name in written if (collection := self.collection(name)) is not None}
        needed = [policy for _, policy in sorted(own.items()) if policy is not None]
        if rwset.writes or not written or any(own.get(name) is None for name in written):
            needed.append(self.policy)
        return tuple(needed)


def market_definition(
    name: str,
    version: str,
    organisations: Sequence[str],
    *,
    platform: str,
    supervisor: str,
    policy: Policy | None = None,
) -> Definition:
    """Return the market's definition.

    The supervisor and one other organisation endorse every transaction; platform and supervisor hold the fingerprints
    and endorse what is written to them. `policy` is an endorsement policy instead of that one.
    """
    # In one order, whoever describes the network: organisations agree on bytes.
    others = [SignedBy(msp_id) for msp_id in sorted(organisations) if msp_id != supervisor]
    keepers = all_of(SignedBy(platform), SignedBy(supervisor))
    return Definition(
        name=name,
        version=version,
        policy=policy or all_of(SignedBy(supervisor), any_of(*others)),
        collections=(Collection("fingerprints", frozenset({platform, supervisor}), keepers),),
    )


def policy_to_json(policy: Policy) -> object:
    """Return the form of `policy` in the settings file: an MSP id, or `{"out_of": n, "of": [...]}`.

    Raises:
        DefinitionError: It wants a signature of another role than a peer's, or of one certificate, which that form
            cannot say.
    """
    if isinstance(policy, SignedBy):
        if policy.role is not Role.PEER:
            raise DefinitionError("malformed_policy", f"{policy.msp_id} is to sign as {policy.role or 'any member'}")
        return policy.msp_id
    if not isinstance(policy, OutOf):
        raise DefinitionError("malformed_policy", "a single certificate is to sign")
    return {"out_of": policy.n, "of": [policy_to_json(rule) for rule in policy.rules]}


def policy_from_json(document: object) -> Policy:
    """Return the policy in a settings file; an MSP id stands for a peer of that organisation.

    Raises:
        DefinitionError: It is neither an MSP id nor `{"out_of": n, "of": [...]}` with 1 <= n <= number of rules.
    """
    match document:
        case str(msp_id) if msp_id:
            return SignedBy(msp_id)
        case {"out_of": int(count), "of": list(rules)} if 1 <= count <= len(rules):
            return OutOf(count, tuple(policy_from_json(rule) for rule in rules))
    raise DefinitionError("malformed_policy", str(document))
