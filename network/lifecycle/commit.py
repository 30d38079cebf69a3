"""The definition that enough organisations have approved comes into force; and which one is in force."""

from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.peer.lifecycle import lifecycle_pb2

from countermark.network.client import Endorsed, EvaluateError, GatewayClient
from countermark.network.envelopes.wire import decode, encode
from countermark.network.lifecycle.definition import Definition
from countermark.network.lifecycle.wire import members

_NOT_DEFINED = "is not defined"


@dataclass(frozen=True, slots=True)
class Committed:
    """The definition of a chaincode that is in force on the channel."""

    version: str
    sequence: int
    policy: bytes
    """protos.ApplicationPolicy."""
    collections: bytes
    """protos.CollectionConfigPackage."""

    def same_as(self, definition: Definition) -> bool:
        """Return whether `definition` says the same, whatever its sequence."""
        other = members(definition, self.sequence)
        return (self.version, self.policy, self.collections) == (
            definition.version,
            other["validation_parameter"],
            encode(other["collections"]),
        )


def commit(
    lifecycle: GatewayClient, definition: Definition, *, sequence: int, organisations: Sequence[str]
) -> Endorsed:
    """Return the commit of `definition`, endorsed by the peers of `organisations`, to be submitted.

    Raises:
        LedgerError: Too few have approved, or no answer came.
    """
    args = encode(lifecycle_pb2.CommitChaincodeDefinitionArgs(**members(definition, sequence)))
    return lifecycle.endorse("CommitChaincodeDefinition", [args], endorsing_organisations=organisations)


def readiness(lifecycle: GatewayClient, definition: Definition, *, sequence: int) -> dict[str, bool]:
    """Return by MSP id whether the organisation has approved `definition` with this `sequence`.

    Raises:
        LedgerError: The peer refused, or gave no answer.
    """
    args = encode(lifecycle_pb2.CheckCommitReadinessArgs(**members(definition, sequence)))
    answer = lifecycle.evaluate("CheckCommitReadiness", [args])
    result = decode(lifecycle_pb2.CheckCommitReadinessResult, answer, "commit readiness")
    return dict(result.approvals)


def committed(lifecycle: GatewayClient, name: str) -> Committed | None:
    """Return the definition of the chaincode `name` that is in force; None if there is none.

    Raises:
        LedgerError: The peer gave no answer.
    """
    args = encode(lifecycle_pb2.QueryChaincodeDefinitionArgs(name=name))
    try:
        answer = lifecycle.evaluate("QueryChaincodeDefinition", [args])
    except EvaluateError as error:
        if _NOT_DEFINED in error.detail:
            return None
        raise
    result = decode(lifecycle_pb2.QueryChaincodeDefinitionResult, answer, "committed definition")
    return Committed(result.version, result.sequence, bytes(result.validation_parameter), encode(result.collections))
