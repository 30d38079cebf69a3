"""Waiting for a network: until peers have found one another, and until all of them have come to a transaction."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from countermark.network.client import CommitStatus, Endorsed, GatewayClient, LedgerError, Retry
from tests.support.processes import WAIT_S

T = TypeVar("T")

_PAUSE_S = 0.05


def patiently(call: Callable[[], T]) -> T:
    """Return what `call` returns; again while the network says that nothing has happened and that it may yet succeed.

    Gossip tells peers of one another, and nobody tells a client that it has.
    """
    pause = threading.Event()
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return call()
        except LedgerError as error:
            if error.retry not in (Retry.SAME, Retry.OTHER) or time.monotonic() > deadline:
                raise
        pause.wait(_PAUSE_S)


def submit(client: GatewayClient, endorsed: Endorsed) -> None:
    """Hand `endorsed` to the ordering service, as soon as there is one that takes it."""
    patiently(lambda: client.submit(endorsed.tx_id, endorsed.envelope))


def settled(clients: Iterable[GatewayClient], tx_id: str) -> CommitStatus:
    """Return how a transaction ended, when the peers of all `clients` have it."""
    status, *others = [client.commit_status(tx_id) for client in clients]
    assert all(other == status for other in others), "peers differ"
    return status
