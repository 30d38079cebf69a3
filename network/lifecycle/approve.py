"""An organisation approves a chaincode's definition, and says which package it runs for it."""

from fabric_protos.peer.lifecycle import lifecycle_pb2

from countermark.network.client import Endorsed, EvaluateError, GatewayClient
from countermark.network.envelopes.wire import decode, encode
from countermark.network.lifecycle.wire import Agreement

_NOTHING_APPROVED = "could not fetch approved chaincode definition"


def approve(lifecycle: GatewayClient, agreement: Agreement, *, sequence: int, package_id: str) -> Endorsed:
    """Return the approval of `agreement` by the organisation of the administrator `lifecycle`, to be submitted.

    Raises:
        LedgerError: The peer refused, or gave no answer.
    """
    source = lifecycle_pb2.ChaincodeSource(
        local_package=lifecycle_pb2.ChaincodeSource.Local(package_id=package_id),
    )
    args = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**agreement.members(sequence), source=source)
    return lifecycle.endorse(
        "ApproveChaincodeDefinitionForMyOrg",
        [encode(args)],
        endorsing_organisations=[lifecycle.profile.msp_id],
    )


def approved_package(lifecycle: GatewayClient, name: str, *, sequence: int) -> str | None:
    """Return the id of the package that the organisation has approved for `sequence` of the chaincode `name`.

    None if it has approved nothing.

    Raises:
        LedgerError: The peer gave no answer.
    """
    args = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs(name=name, sequence=sequence)
    try:
        answer = lifecycle.evaluate("QueryApprovedChaincodeDefinition", [encode(args)])
    except EvaluateError as error:
        if _NOTHING_APPROVED in error.detail:
            return None
        raise
    result = decode(lifecycle_pb2.QueryApprovedChaincodeDefinitionResult, answer, "approved definition")
    return str(result.source.local_package.package_id)
