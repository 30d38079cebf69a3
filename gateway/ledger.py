"""The platform's ports `Ledger` and `BlockSource` over Fabric peers (`network.client`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from countermark.network.client import (
    CommitStatusError,
    DeliverError,
    EndorseError,
    EvaluateError,
    GatewayClient,
    LedgerError,
    Retry,
    SubmitError,
    UnavailableError,
)
from countermark.network.envelopes import Proposal
from countermark.platform import ports
from countermark.platform.ports import Block
from countermark.protocol.errors import ErrorCode, MarketError


class FabricLedger:
    """Speaks to peers as the platform's organisation. May be shared by threads, and made before a fork."""

    def __init__(self, client: GatewayClient) -> None:
        """Take a client, which opens its connections in each process when they are first needed there."""
        self._client = client

    def evaluate(
        self,
        function: str,
        args: Sequence[bytes],
        *,
        transient: Mapping[str, bytes] | None = None,
        timeout_s: float = 10.0,
    ) -> bytes:
        """See `ports.Ledger`."""
        try:
            return self._client.evaluate(function, args, transient, timeout=timeout_s)
        except (EvaluateError, UnavailableError) as error:
            raise _refused_or_unavailable(error) from error

    def prepare(
        self, function: str, args: Sequence[bytes], *, transient: Mapping[str, bytes] | None = None
    ) -> ports.Prepared:
        """See `ports.Ledger`."""
        proposal = self._client.prepare(function, args, transient)
        return ports.Prepared(proposal.tx_id, proposal.serialized)

    def endorse(
        self, prepared: ports.Prepared, *, organisations: Sequence[str] = (), timeout_s: float = 10.0
    ) -> ports.Endorsed:
        """See `ports.Ledger`."""
        proposal = Proposal.parse(prepared.proposal)
        try:
            endorsed = self._client.endorse_proposal(
                proposal, endorsing_organisations=organisations, timeout=timeout_s
            )
        except (EndorseError, UnavailableError) as error:
            raise _refused_or_unavailable(error) from error
        return ports.Endorsed(endorsed.tx_id, endorsed.envelope, endorsed.result)

    def submit(self, tx_id: str, envelope: bytes, *, timeout_s: float = 10.0) -> None:
        """See `ports.Ledger`."""
        try:
            self._client.submit(tx_id, envelope, timeout=timeout_s)
        except SubmitError as error:
            if error.code is ErrorCode.OUTCOME_UNKNOWN:
                raise ports.OutcomeUnknownError(tx_id, error.detail, retry=error.retry) from error
            raise _refused_or_unavailable(error) from error

    def commit_status(self, tx_id: str, *, timeout_s: float = 10.0) -> ports.CommitStatus:
        """See `ports.Ledger`."""
        try:
            status = self._client.commit_status(tx_id, timeout=timeout_s)
        except CommitStatusError as error:
            raise ports.OutcomeUnknownError(tx_id, error.detail, retry=error.retry) from error
        return ports.CommitStatus(tx_id, status.block_number, status.code, status.code_name)

    def blocks(self, start: int, *, stop: int | None = None) -> Iterator[Block]:
        """See `ports.BlockSource`; `close` ends a stream that waits."""
        with closing(self._client.blocks(start, stop=stop)) as stream:
            try:
                yield from stream
            except DeliverError as error:
                raise ports.UnavailableError("", error.detail) from error

    def block(self, number: int, *, timeout_s: float = 10.0) -> Block:
        """Return block `number`, of whichever peer has it.

        Raises:
            UnavailableError: None sent it in time (`ports.UnavailableError`).
        """
        try:
            return self._client.block(number, timeout=timeout_s)
        except DeliverError as error:
            raise ports.UnavailableError("", error.detail) from error

    def height(self, *, timeout_s: float = 2.0) -> int:
        """Return how many blocks the peer that answers first has committed.

        Raises:
            UnavailableError: It did not say in time (`ports.UnavailableError`).
        """
        try:
            return self._client.newest_block(timeout=timeout_s).number + 1
        except DeliverError as error:
            raise ports.UnavailableError("", error.detail) from error

    def dated_ms(self, number: int, *, timeout_s: float = 2.0) -> int | None:
        """Return when the oldest valid transaction of block `number` was dated, None where it has no valid one.

        Raises:
            UnavailableError: The peer did not send it in time (`ports.UnavailableError`).
        """
        block = self.block(number, timeout_s=timeout_s)
        return min((one.timestamp_ms for one in block.transactions if one.valid), default=None)

    def checks_time(self, *, timeout_s: float = 2.0) -> bool:
        """Return whether the peer holds transaction timestamps to its time window, on which all deadlines rest.

        Raises:
            UnavailableError: It did not say (`ports.UnavailableError`).
        """
        try:
            return self._client.checks_time("market.show", timeout=timeout_s)
        except (EvaluateError, UnavailableError) as error:
            raise ports.UnavailableError(error.tx_id, error.detail) from error

    def accepts_time(self, *, timeout_s: float = 2.0) -> bool:
        """Return whether the peer takes what is dated by this machine's clock.

        Raises:
            UnavailableError: It did not say (`ports.UnavailableError`).
        """
        try:
            return self._client.accepts_time("market.show", timeout=timeout_s)
        except (EvaluateError, UnavailableError) as error:
            raise ports.UnavailableError(error.tx_id, error.detail) from error

    def close(self) -> None:
        """Close the connections of this process; calls and streams under way end."""
        self._client.close()


def _refused_or_unavailable(error: LedgerError) -> ports.LedgerError:
    """Tell "the rules say no" from "ask again later"."""
    if error.market_error is not None:
        return ports.RefusedError(error.tx_id, error.market_error)
    if isinstance(error, EndorseError | SubmitError) and error.retry is Retry.NEVER:
        # No chaincode said so: the organisations disagree for good, the orderers do not take it, or the peer answered
        # with something else. What it said names addresses, so it goes to the log by way of the cause and not to the
        # party.
        refusal = MarketError(ErrorCode.ENDORSEMENT_FAILED, f"the peer said {error.status or 'something else'}")
        return ports.RefusedError(error.tx_id, refusal)
    code = error.code if error.code is ErrorCode.CLOCK_SKEWED else ErrorCode.LEDGER_UNAVAILABLE
    return ports.UnavailableError(error.tx_id, error.detail, code=code)
