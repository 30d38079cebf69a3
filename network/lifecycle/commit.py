"""The definition that enough organisations have approved comes into force; and which one is in force."""

from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.peer.lifecycle import lifecycle_pb2

from countermark.network.client import Endorsed, EvaluateError, GatewayClient
from countermark.network.envelopes.wire import decode, encode
from countermark.network.lifecycle.wire import Agreement

_NOT_DEFINED = "is not defined"


@dataclass(frozen=True, slots=True)
class Committed:
    """The definition of a chaincode that is in force on the channel."""

    sequence: int
    agreement: Agreement


def commit(
    lifecycle: GatewayClient, agreement: Agreement, *, sequence: int, organisations: Sequence[str]
) -> Endorsed:
    """Return the commit of `agreement`, endorsed by the peers of `organisations`, to be submitted.

    Raises:
        LedgerError: Too few have approved, or no answer came.
    """
    args = encode(lifecycle_pb2.CommitChaincodeDefinitionArgs(**agreement.members(sequence)))
    return lifecycle.endorse("CommitChaincodeDefinition", [args], endorsing_organisations=organisations)


def readiness(lifecycle: GatewayClient, agreement: Agreement, *, sequence: int) -> dict[str, bool]:
    """Return by MSP id whether the organisation has approved `agreement` with this `sequence`.

    Raises:
        LedgerError: The peer refused, or gave no answer.
    """
    args = encode(lifecycle_pb2.CheckCommitReadinessArgs(**agreement.members(sequence)))
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
    collections = encode(result.collections)
    agreement = Agreement(name, result.version, bytes(result.validation_parameter), collections)
    return Committed(result.sequence, agreement)
