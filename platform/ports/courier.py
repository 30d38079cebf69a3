"""Carries a webhook's deliveries to receivers on the internet."""

from typing import Protocol


class DeliveryError(Exception):
    """A delivery did not succeed; ``reason`` is told to the webhook's owner, ``gone`` says to try no more.

    Reasons: ``name`` (does not resolve), ``address`` (one that is not delivered to), ``connection``, ``certificate``,
    ``tls``, ``timeout``, ``answer`` (no HTTP), ``status_404`` and so on. They hold nothing of what the receiver said.
    """

    def __init__(self, reason: str, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gone = gone


class Courier(Protocol):
    """Delivers, signed by the platform, within a bounded time, and never to where the operator does not permit."""

    def deliver(self, url: str, body: bytes) -> None:
        """Post ``body``, JSON, to ``url``; the receiver has taken it when this returns.

        Raises:
            DeliveryError: the receiver cannot be reached, may not be, or has not taken it.
        """
        ...
