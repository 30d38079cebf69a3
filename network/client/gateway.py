"""A client of one organisation's peer: Fabric's Gateway service for transactions, Deliver for blocks.

A transaction goes through three calls: `endorse` has the organisations run it and returns signed bytes, which the
caller saves; `submit` hands them to the ordering service; `commit_status` waits for the outcome of that id. Every
call has a deadline. What may follow a failure stands in its `retry`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import proposal_pb2

from countermark.network.blocks import VALID, Block, code_name
from countermark.network.client.channels import PeerChannel
from countermark.network.client.errors import CommitError, EndorseError, EvaluateError
from countermark.network.client.profile import ConnectionProfile
from countermark.network.client.retries import Phase
from countermark.network.client.statuses import ledger_error
from countermark.network.client.streams import BlockEvents, Delivery, Stream, check_events_end, parse_events
from countermark.network.envelopes import (
    FOREVER,
    Edge,
    EndorsedTransaction,
    Envelope,
    Proposal,
    Seek,
    build_proposal,
    build_seek,
    sign_payload,
)
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import NetworkError
from countermark.protocol.errors import ErrorCode

_OUT_OF_WINDOW = "incorrect timestamp"
"""How peers say that a proposal is dated too far from their clock."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of the calls, in seconds."""

    evaluate: float = 10.0
    endorse: float = 20.0
    submit: float = 10.0
    commit_status: float = 60.0


@dataclass(frozen=True, slots=True)
class Endorsed:
    """A transaction that is endorsed and signed, ready to be submitted, any number of times."""

    tx_id: str
    envelope: bytes = field(repr=False)
    """common.Envelope."""
    result: bytes = field(repr=False)
    """What the function will have returned if the transaction commits."""


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """How a transaction ended."""

    tx_id: str
    block_number: int
    code: int

    @property
    def valid(self) -> bool:
        """True if the transaction changed the ledger."""
        return self.code == VALID

    @property
    def code_name(self) -> str:
        """Fabric's name of the validation code."""
        return code_name(self.code)

    def check(self) -> None:
        """Return if the transaction is valid.

        Raises:
            CommitError: It is not.
        """
        if not self.valid:
            raise CommitError(self.tx_id, self.code, self.block_number)


class GatewayClient:
    """Speaks for one member of one organisation to its peer; safe to use from many threads and after a fork."""

    def __init__(self, profile: ConnectionProfile, *, timeouts: Timeouts | None = None) -> None:
        """Read certificate, key and TLS root of `profile`; nothing is connected yet.

        Raises:
            ProfileError: A file is missing or damaged.
        """
        self.profile = profile
        self.timeouts = timeouts or Timeouts()
        self.identity = profile.identity()
        self._channel = PeerChannel(profile.gateway, profile.tls_ca(), profile.host_override)

    def prepare(
        self,
        function: str,
        args: Sequence[bytes | str] = (),
        transient: Mapping[str, bytes] | None = None,
        *,
        now_ms: int | None = None,
    ) -> Proposal:
        """Return a signed proposal to call `function`; its `tx_id` is known before anything is sent.

        Args:
            function: Name of the contract function.
            args: Its arguments; text goes as UTF-8. They are public to the channel.
            transient: Inputs that only endorsers see.
            now_ms: Timestamp of the transaction in milliseconds; the clock's by default.
        """
        return build_proposal(
            self.identity,
            self.profile.channel,
            self.profile.chaincode,
            [function.encode(), *(one.encode() if isinstance(one, str) else one for one in args)],
            now_ms=time.time_ns() // 1_000_000 if now_ms is None else now_ms,
            transient=transient,
        )

    def evaluate(
        self,
        function: str,
        args: Sequence[bytes | str] = (),
        transient: Mapping[str, bytes] | None = None,
        *,
        target_organisations: Sequence[str] = (),
        timeout: float | None = None,
    ) -> bytes:
        """Run `function` on one peer and return its answer; nothing is ordered.

        Transient data without `target_organisations` is seen by peers of the gateway's own organisation and no other,
        so it is for whoever trusts that one.

        Raises:
            EvaluateError: The contract or the gateway refused.
            UnavailableError: No answer in time.
        """
        proposal = self.prepare(function, args, transient)
        return self._evaluate(proposal, target_organisations, timeout)

    def checks_time(self, function: str, *, timeout: float | None = None) -> bool:
        """Return whether the peer refuses proposals dated far from its clock (Fabric's filter `TimeWindowCheck`).

        Args:
            function: What a proposal dated 1970 asks for; anyone may evaluate it, and it succeeds.
            timeout: Seconds for the call.

        Raises:
            EvaluateError: It was refused for another reason, so nobody can tell.
            UnavailableError: No answer in time.
        """
        try:
            self._evaluate(self.prepare(function, now_ms=0), (), timeout)
        except EvaluateError as error:
            if _OUT_OF_WINDOW not in f"{error.detail}":
                raise
            return True
        return False

    def _evaluate(self, proposal: Proposal, targets: Sequence[str], timeout: float | None) -> bytes:
        request = gateway_pb2.EvaluateRequest(
            transaction_id=proposal.tx_id,
            channel_id=self.profile.channel,
            proposed_transaction=_signed(proposal),
            target_organizations=targets,
        )
        response = self._call(Phase.EVALUATE, "Evaluate", request, timeout or self.timeouts.evaluate, proposal.tx_id)
        return bytes(response.result.payload)

    def endorse(
        self,
        function: str,
        args: Sequence[bytes | str] = (),
        *,
        transient: Mapping[str, bytes] | None = None,
        endorsing_organisations: Sequence[str] = (),
        timeout: float | None = None,
    ) -> Endorsed:
        """Have `function` endorsed and return the signed transaction, not yet submitted.

        Raises:
            EndorseError: The contract refused (`market_error`), endorsers disagree, or the answer does not fit; or
                there is transient data, and nobody has been named to see it.
            UnavailableError: No answer in time.
        """
        proposal = self.prepare(function, args, transient)
        return self.endorse_proposal(proposal, endorsing_organisations=endorsing_organisations, timeout=timeout)

    def endorse_proposal(
        self,
        proposal: Proposal,
        *,
        endorsing_organisations: Sequence[str] = (),
        timeout: float | None = None,
    ) -> Endorsed:
        """Have `proposal` endorsed and return the signed transaction, not yet submitted.

        Args:
            proposal: What `prepare` returned.
            endorsing_organisations: Exactly these run it and see its transient data; without such data, the gateway
                may choose.
            timeout: Seconds for the call.

        Raises:
            EndorseError: The contract refused (`market_error`), endorsers disagree, or the answer does not fit; or
                there is transient data, and nobody has been named to see it.
            UnavailableError: No answer in time.
        """
        if proposal.transient and not endorsing_organisations:
            # A gateway left to choose runs the proposal on its own peer first and goes by what comes of it.
            raise EndorseError(
                ErrorCode.MALFORMED_REQUEST,
                "transient data goes to organisations that are named, and to no others",
                tx_id=proposal.tx_id,
            )
        request = gateway_pb2.EndorseRequest(
            transaction_id=proposal.tx_id,
            channel_id=self.profile.channel,
            proposed_transaction=_signed(proposal),
            endorsing_organizations=endorsing_organisations,
        )
        response = self._call(Phase.ENDORSE, "Endorse", request, timeout or self.timeouts.endorse, proposal.tx_id)
        try:
            prepared = EndorsedTransaction.parse(Envelope.parse(encode(response.prepared_transaction)))
            _check_prepared(proposal, prepared)
            envelope = sign_payload(self.identity, prepared.envelope.payload)
        except NetworkError as error:
            raise EndorseError(
                ErrorCode.ENDORSEMENT_FAILED,
                f"the gateway's answer is not this transaction: {error}",
                tx_id=proposal.tx_id,
            ) from error
        return Endorsed(proposal.tx_id, envelope.serialized, prepared.response.outcome.response.payload)

    def submit(self, tx_id: str, envelope: bytes, *, timeout: float | None = None) -> None:
        """Hand the signed `envelope` of transaction `tx_id` to the ordering service; again does no harm.

        Raises:
            EnvelopeError: `envelope` is not common.Envelope.
            SubmitError: It was not taken, or (OUTCOME_UNKNOWN) it is not known whether it was.
        """
        request = gateway_pb2.SubmitRequest(
            transaction_id=tx_id,
            channel_id=self.profile.channel,
            prepared_transaction=decode(common_pb2.Envelope, envelope, "envelope"),
        )
        self._call(Phase.SUBMIT, "Submit", request, timeout or self.timeouts.submit, tx_id)

    def commit_status(self, tx_id: str, timeout: float | None = None) -> CommitStatus:
        """Wait until transaction `tx_id` has been committed, as valid or not, and return how it ended.

        Raises:
            CommitStatusError: Not within `timeout` seconds, or the peer cannot say. It may commit yet.
        """
        message = encode(
            gateway_pb2.CommitStatusRequest(
                transaction_id=tx_id, channel_id=self.profile.channel, identity=self.identity.serialized
            )
        )
        request = gateway_pb2.SignedCommitStatusRequest(request=message, signature=self.identity.sign(message))
        timeout = timeout or self.timeouts.commit_status
        response = self._call(Phase.COMMIT_STATUS, "CommitStatus", request, timeout, tx_id)
        return CommitStatus(tx_id, response.block_number, response.result)

    def blocks(self, start: int, *, stop: int | None = None, timeout: float | None = None) -> Stream[Block]:
        """Return the blocks from number `start` on; without `stop` (included), new ones are waited for for ever.

        The stream has no deadline unless `timeout` (seconds for all of it) is given: a dead connection is noticed by
        keepalive, and `close` of the stream ends it.
        """
        last = FOREVER if stop is None else stop
        return self._deliver(Seek(start, last), Delivery(start, last), timeout)

    def newest_block(self, *, timeout: float | None = None) -> Block:
        """Return the last block that the peer has committed; its number tells the ledger's height.

        Raises:
            DeliverError: The peer sent none.
        """
        seek = Seek(Edge.NEWEST, Edge.NEWEST)
        stream = self._deliver(seek, Delivery(None, 0), timeout or self.timeouts.evaluate)
        try:
            return next(stream)
        finally:
            stream.close()

    def _deliver(self, seek: Seek, delivery: Delivery, timeout: float | None) -> Stream[Block]:
        now_ms = time.time_ns() // 1_000_000
        envelope = build_seek(self.identity, self.profile.channel, seek, now_ms=now_ms)
        wire = common_pb2.Envelope(payload=envelope.payload, signature=envelope.signature)
        deliver = self._channel.services().deliver
        return Stream(deliver.Deliver(iter((wire,)), timeout=timeout), delivery.parse, delivery.check_end)

    def chaincode_events(
        self, *, start: int | None = None, after_tx: str = "", timeout: float | None = None
    ) -> Stream[BlockEvents]:
        """Return the events of the chaincode, block by block, from block `start` on, or from the next one.

        With `after_tx`, those up to and including that transaction of the first block are left out.
        """
        position = (
            ab_pb2.SeekPosition(next_commit=ab_pb2.SeekNextCommit())
            if start is None
            else ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=start))
        )
        message = encode(
            gateway_pb2.ChaincodeEventsRequest(
                channel_id=self.profile.channel,
                chaincode_id=self.profile.chaincode,
                identity=self.identity.serialized,
                start_position=position,
                after_transaction_id=after_tx,
            )
        )
        request = gateway_pb2.SignedChaincodeEventsRequest(request=message, signature=self.identity.sign(message))
        gateway = self._channel.services().gateway
        return Stream(gateway.ChaincodeEvents(request, timeout=timeout), parse_events, check_events_end)

    def close(self) -> None:
        """Close the connection; calls and streams that are under way end."""
        self._channel.close()

    def _call(self, phase: Phase, method: str, request: Any, timeout: float, tx_id: str) -> Any:
        try:
            return getattr(self._channel.services().gateway, method)(request, timeout=timeout)
        except grpc.RpcError as error:
            raise ledger_error(phase, error, tx_id) from error


def _signed(proposal: Proposal) -> Any:
    return proposal_pb2.SignedProposal(proposal_bytes=proposal.proposal_bytes, signature=proposal.signature)


def _check_prepared(proposal: Proposal, transaction: EndorsedTransaction) -> None:
    """Check that what the gateway wants signed is the transaction for `proposal` and nothing else.

    The gateway is another party's process. Without this check it could have the client sign any transaction.
    """
    transaction.check_binding()
    if (transaction.header, transaction.public_payload) != (proposal.header, proposal.public_payload):
        raise NetworkError("wrong_transaction", "endorsed another proposal than the one that was sent")
    status = transaction.response.outcome.response.status
    if not 200 <= status < 400:
        raise NetworkError("failed_response", f"endorsed an answer with status {status}")
