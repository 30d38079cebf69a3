"""A chaincode's definition in the form in which organisations approve and commit it."""

from dataclasses import dataclass, field
from typing import Any

from fabric_protos.peer import collection_pb2, policy_pb2

from countermark.network.blocks import Policy, SignedBy, any_of
from countermark.network.blocks.policies import policy_message
from countermark.network.envelopes.wire import decode, encode
from countermark.network.lifecycle.definition import Collection, Definition


@dataclass(frozen=True, slots=True)
class Agreement:
    """A definition as peers keep it: what organisations approve and commit, but for its sequence."""

    name: str
    version: str
    policy: bytes = field(repr=False)
    """protos.ApplicationPolicy."""
    collections: bytes = field(repr=False)
    """protos.CollectionConfigPackage."""

    def members(self, sequence: int) -> dict[str, Any]:
        """Return the members that the requests to approve and to commit it with `sequence` have in common."""
        return {
            "name": self.name,
            "version": self.version,
            "sequence": sequence,
            "endorsement_plugin": "escc",
            "validation_plugin": "vscc",
            "validation_parameter": self.policy,
            "collections": decode(collection_pb2.CollectionConfigPackage, self.collections, "collections"),
        }


def agreement(definition: Definition) -> Agreement:
    """Return `definition` in the form in which organisations approve and commit it."""
    collections = collection_pb2.CollectionConfigPackage(
        config=[
            collection_pb2.CollectionConfig(static_collection_config=_collection(one))
            for one in definition.collections
        ]
    )
    return Agreement(definition.name, definition.version, encode(_policy(definition.policy)), encode(collections))


def _collection(collection: Collection) -> Any:
    keepers = any_of(*(SignedBy(msp_id, None) for msp_id in sorted(collection.members)))
    return collection_pb2.StaticCollectionConfig(
        name=collection.name,
        member_orgs_policy=collection_pb2.CollectionPolicyConfig(signature_policy=policy_message(keepers)),
        # No endorsement before a second keeper has the value.
        required_peer_count=1,
        maximum_peer_count=1,
        member_only_read=True,
        member_only_write=True,
        endorsement_policy=None if collection.policy is None else _policy(collection.policy),
    )


def _policy(policy: Policy) -> Any:
    return policy_pb2.ApplicationPolicy(signature_policy=policy_message(policy))
