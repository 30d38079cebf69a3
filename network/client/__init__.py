"""The client of Fabric peers: transactions through their Gateway service, blocks through Deliver."""

from countermark.network.client.errors import (
    CommitError,
    CommitStatusError,
    DeliverError,
    EndorseError,
    EvaluateError,
    LedgerError,
    ProfileError,
    SubmitError,
    UnavailableError,
)
from countermark.network.client.gateway import GatewayClient
from countermark.network.client.orderer import OrdererClient
from countermark.network.client.profile import ConnectionProfile
from countermark.network.client.streams import BlockEvents, Stream
from countermark.network.client.transactions import CommitStatus, Endorsed, Timeouts
from countermark.protocol.retries import Phase, Retry

__all__ = [
    "BlockEvents",
    "CommitError",
    "CommitStatus",
    "CommitStatusError",
    "ConnectionProfile",
    "DeliverError",
    "EndorseError",
    "Endorsed",
    "EvaluateError",
    "GatewayClient",
    "LedgerError",
    "OrdererClient",
    "Phase",
    "ProfileError",
    "Retry",
    "Stream",
    "SubmitError",
    "Timeouts",
    "UnavailableError",
]
