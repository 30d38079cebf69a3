"""The definition that a majority has approved comes into force."""

from collections.abc import Sequence

from fabric_protos.peer.lifecycle import lifecycle_pb2

from countermark.network.client import Endorsed, GatewayClient
from countermark.network.embedded.definition import Definition
from countermark.network.envelopes.wire import encode
from tests.support.fabric.lifecycle.definition import members
from tests.support.fabric.patience import patiently


def commit(
    lifecycle: GatewayClient, definition: Definition, *, sequence: int, organisations: Sequence[str]
) -> Endorsed:
    """Return the commit of `definition`, endorsed by the peers of `organisations`, to be submitted."""
    args = encode(lifecycle_pb2.CommitChaincodeDefinitionArgs(**members(definition, sequence)))
    return patiently(
        lambda: lifecycle.endorse("CommitChaincodeDefinition", [args], endorsing_organisations=organisations)
    )
