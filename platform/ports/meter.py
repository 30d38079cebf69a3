"""What the outbox tells whoever counts: how requests fare, never whose they are."""

from typing import Protocol


class OutboxMeter(Protocol):
    """Counts. May be called by any thread, and never fails."""

    def retried(self, code: str) -> None:
        """Count an attempt that came to nothing and is followed by another, or rests.

        `code` says why: the name of a validation code, or a code of ours.
        """
        ...

    def doubted(self) -> None:
        """Count a transaction that may have been ordered, and of which nobody says how it ended."""
        ...

    def resolved(self) -> None:
        """Count a transaction that was in doubt, and of which the ledger has said how it ended."""
        ...

    def ended(self, function: str, state: str, seconds: float) -> None:
        """Count a request that has its end, `seconds` after its last attempt was saved."""
        ...


class Unmetered:
    """An `OutboxMeter` for where nobody asks."""

    def retried(self, code: str) -> None:
        """See `OutboxMeter`."""

    def doubted(self) -> None:
        """See `OutboxMeter`."""

    def resolved(self) -> None:
        """See `OutboxMeter`."""

    def ended(self, function: str, state: str, seconds: float) -> None:
        """See `OutboxMeter`."""
