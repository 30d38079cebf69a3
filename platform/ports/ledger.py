"""The ledger as a client of it sees it: evaluate, or prepare → endorse → submit → commit status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from countermark.protocol.retries import After, after_verdict


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed proposal with its transaction id; it was sent nowhere yet.

    `proposal` contains the transient data in the clear: it is never stored and never shown.
    """

    tx_id: str
    proposal: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endorsed:
    """A signed envelope, ready to be ordered, and what the chaincode answered (`result`)."""

    tx_id: str
    envelope: bytes = field(repr=False)
    result: bytes


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """How a transaction ended: the block that holds it and the peers' validation code, Fabric's number and name."""

    tx_id: str
    block_number: int
    code: int
    code_name: str

    @property
    def valid(self) -> bool:
        """Whether its writes were applied."""
        return self.code_name == "VALID"

    @property
    def after(self) -> After:
        """What may follow if they were not."""
        return after_verdict(self.code_name)


class Ledger(Protocol):
    """A market's chaincode on its channel, through gateway peers. Calls go on to another one when one is away."""

    def evaluate(
        self,
        function: str,
        args: Sequence[bytes],
        *,
        transient: Mapping[str, bytes] | None = None,
        timeout_s: float = 10.0,
    ) -> bytes:
        """Return what `function` answers now; nothing is written.

        Raises:
            RefusedError: The chaincode answered with an error.
            UnavailableError: No peer answered in time.
        """
        ...

    def prepare(
        self, function: str, args: Sequence[bytes], *, transient: Mapping[str, bytes] | None = None
    ) -> Prepared:
        """Return a signed proposal with a fresh transaction id; purely local."""
        ...

    def endorse(self, prepared: Prepared, *, organisations: Sequence[str] = (), timeout_s: float = 10.0) -> Endorsed:
        """Return the endorsed and signed envelope; `organisations` names MSP ids that must endorse.

        Raises:
            RefusedError: The chaincode refused.
            UnavailableError: Not enough endorsers answered, or they disagree for the moment.
        """
        ...

    def submit(self, tx_id: str, envelope: bytes, *, timeout_s: float = 10.0) -> None:
        """Hand the envelope to an orderer; the same envelope may be handed over again.

        Raises:
            RefusedError: The orderers do not take it. What became of a copy that was handed over earlier is another
                question.
            UnavailableError: It did not get as far as an orderer.
            OutcomeUnknownError: No orderer confirmed that it took the envelope; it may have.
        """
        ...

    def commit_status(self, tx_id: str, *, timeout_s: float = 10.0) -> CommitStatus:
        """Return how the transaction ended, waiting up to `timeout_s` for the block that holds it.

        Raises:
            OutcomeUnknownError: It is in no block yet, or no peer answered.
        """
        ...
