"""A chaincode's definition in the form in which organisations approve and commit it."""

from typing import Any

from fabric_protos.peer import collection_pb2, policy_pb2

from countermark.network.blocks import Policy, SignedBy, any_of
from countermark.network.blocks.policies import policy_message
from countermark.network.envelopes.wire import encode
from countermark.network.lifecycle.definition import Collection, Definition


def members(definition: Definition, sequence: int) -> dict[str, Any]:
    """Return the members that the requests to approve and to commit `definition` have in common."""
    collections = collection_pb2.CollectionConfigPackage(
        config=[
            collection_pb2.CollectionConfig(static_collection_config=_collection(one))
            for one in definition.collections
        ]
    )
    return {
        "name": definition.name,
        "version": definition.version,
        "sequence": sequence,
        "endorsement_plugin": "escc",
        "validation_plugin": "vscc",
        "validation_parameter": encode(_policy(definition.policy)),
        "collections": collections,
    }


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
