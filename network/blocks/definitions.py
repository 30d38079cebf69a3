"""Chaincodes as the channel has agreed on them, read from what Fabric's lifecycle writes into its own namespace.

Each field of a definition is a key of its own, and a new definition writes only those that change: a reader keeps all
of them. Peers judge the transactions of a block by the definition as it was before the block.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fabric_protos.peer import collection_pb2, policy_pb2
from fabric_protos.peer.lifecycle import chaincode_definition_pb2, db_pb2

from countermark.network.blocks.configs import ChannelConfig
from countermark.network.blocks.policies import AnyPolicy, policy_of
from countermark.network.envelopes.wire import decode
from countermark.network.errors import EnvelopeError

LIFECYCLE = "_lifecycle"
"""Fabric's own chaincode, by which organisations approve and commit the others; also its namespace."""

_VALIDATION = "vscc"
"""The way to judge endorsements that is built into peers; another would be a plugin that nobody here knows."""


@dataclass(frozen=True, slots=True)
class ChaincodeDefinition:
    """A chaincode as it was committed: whose endorsements it wants."""

    name: str
    sequence: int
    """How often it has been committed."""
    version: str
    policy: AnyPolicy = field(repr=False)
    """For all public writes, and for collections that have none of their own."""
    collections: Mapping[str, AnyPolicy] = field(repr=False)
    """For writes to each private collection."""


def read_definition(name: str, state: Mapping[str, bytes], config: ChannelConfig) -> ChaincodeDefinition | None:
    """Return the definition of the chaincode `name`, None if it has never been committed.

    Args:
        name: Its name.
        state: Keys and values of the namespace `LIFECYCLE`.
        config: The channel's configuration, to whose policies a definition may refer.

    Raises:
        EnvelopeError: A part of it does not parse or is not supported here.
    """
    prefix = f"namespaces/fields/{name}/"
    if f"{prefix}Sequence" not in state:
        return None
    fields = {
        one: decode(db_pb2.StateData, state.get(prefix + one, b""), f"{one} of a chaincode's definition")
        for one in ("Sequence", "EndorsementInfo", "ValidationInfo", "Collections")
    }
    endorsement = decode(
        chaincode_definition_pb2.ChaincodeEndorsementInfo, fields["EndorsementInfo"].Bytes, "endorsement info"
    )
    validation = decode(
        chaincode_definition_pb2.ChaincodeValidationInfo, fields["ValidationInfo"].Bytes, "validation info"
    )
    if validation.validation_plugin != _VALIDATION:
        detail = f"{name} is validated by {validation.validation_plugin!r}"
        raise EnvelopeError("unsupported_definition", detail)
    parameter = decode(policy_pb2.ApplicationPolicy, validation.validation_parameter, "endorsement policy")
    policy = _policy(parameter, config)
    package = decode(collection_pb2.CollectionConfigPackage, fields["Collections"].Bytes, "collections")
    collections = [one.static_collection_config for one in package.config]
    return ChaincodeDefinition(
        name=name,
        sequence=fields["Sequence"].Int64,
        version=endorsement.version,
        policy=policy,
        collections={
            one.name: _policy(one.endorsement_policy, config) if one.HasField("endorsement_policy") else policy
            for one in collections
        },
    )


def _policy(wire: Any, config: ChannelConfig) -> AnyPolicy:
    match wire.WhichOneof("Type"):
        case "signature_policy":
            return policy_of(wire.signature_policy)
        case "channel_config_policy_reference":
            return config.policy(wire.channel_config_policy_reference)
    raise EnvelopeError("unsupported_definition", "an endorsement policy of neither kind")
