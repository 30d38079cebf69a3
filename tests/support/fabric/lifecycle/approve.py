"""An organisation approves a chaincode's definition, and says which package it runs for it."""

from fabric_protos.peer.lifecycle import lifecycle_pb2

from countermark.network.client import Endorsed, GatewayClient
from countermark.network.embedded.definition import Definition
from countermark.network.envelopes.wire import encode
from tests.support.fabric.lifecycle.definition import members
from tests.support.fabric.patience import patiently


def approve(lifecycle: GatewayClient, definition: Definition, *, sequence: int, package_id: str) -> Endorsed:
    """Return the approval of the organisation whose administrator `lifecycle` speaks for, to be submitted."""
    source = lifecycle_pb2.ChaincodeSource(
        local_package=lifecycle_pb2.ChaincodeSource.Local(package_id=package_id),
    )
    args = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**members(definition, sequence), source=source)
    return patiently(
        lambda: lifecycle.endorse(
            "ApproveChaincodeDefinitionForMyOrg",
            [encode(args)],
            endorsing_organisations=[lifecycle.profile.msp_id],
        )
    )
