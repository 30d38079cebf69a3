"""The client of a Fabric peer: transactions through its Gateway service, blocks through Deliver."""

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
from countermark.network.client.gateway import CommitStatus, Endorsed, GatewayClient, Timeouts
from countermark.network.client.profile import ConnectionProfile
from countermark.network.client.retries import Phase, Retry
from countermark.network.client.streams import BlockEvents, Stream

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
    "Phase",
    "ProfileError",
    "Retry",
    "Stream",
    "SubmitError",
    "Timeouts",
    "UnavailableError",
]
