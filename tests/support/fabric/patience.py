"""Handing transactions to a network, and waiting until all of it has them."""

from collections.abc import Iterable

from countermark.network.client import CommitStatus, Endorsed, GatewayClient
from countermark.network.lifecycle.patience import patiently


def submit(client: GatewayClient, endorsed: Endorsed) -> None:
    """Hand `endorsed` to the ordering service, as soon as there is one that takes it."""
    patiently(lambda: client.submit(endorsed.tx_id, endorsed.envelope))


def settled(clients: Iterable[GatewayClient], tx_id: str) -> CommitStatus:
    """Return how a transaction ended, when the peers of all `clients` have it."""
    status, *others = [client.commit_status(tx_id) for client in clients]
    assert all(other == status for other in others), "peers differ"
    return status
