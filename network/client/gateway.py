"""A client of peers: Fabric's Gateway service for transactions, Deliver for blocks.

A transaction goes through three calls: `endorse` has the organisations run it and returns signed bytes, which the
caller saves; `submit` hands them to the ordering service; `commit_status` waits for the outcome of that id. Every
call has a deadline, within which it goes on to another gateway when one is away. What may follow a failure stands in
its `retry`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import proposal_pb2

from countermark.network.blocks import Block
from countermark.network.client.errors import EndorseError, EvaluateError
from countermark.network.client.gateways import Attempt, Gateways
from countermark.network.client.profile import ConnectionProfile
from countermark.network.client.refusals import Call, Doubt
from countermark.network.client.statuses import ledger_error
from countermark.network.client.streams import BlockEvents, Delivery, Stream, check_events_end, parse_events
from countermark.network.client.transactions import CommitStatus, Endorsed, Timeouts, sign_prepared
from countermark.network.envelopes import (
    FOREVER,
    Edge,
    Proposal,
    Seek,
    build_proposal,
    build_seek,
)
from countermark.network.envelopes.wire import decode, encode
from countermark.protocol.errors import ErrorCode
from countermark.protocol.retries import Phase

_NOBODY_NAMED = "transient data goes to organisations that are named, and to no others"
_NO_GATEWAY = "no gateway is of an organisation that is to see the transient data"


class GatewayClient:
    """Speaks for one member of one organisation to peers; safe to use from many threads and after a fork."""

    def __init__(
        self,
        profile: ConnectionProfile,
        *others: ConnectionProfile,
        timeouts: Timeouts | None = None,
        seen: Callable[[], int] | None = None,
    ) -> None:
        """Read certificate, key and TLS root of `profile`; nothing is connected yet.

        `others` are asked, in their order, when the gateway of `profile` is away; of them the endpoint counts and the
        organisation, and neither certificate nor key is read. Their word is taken as that of the first.

        `seen` tells how many blocks whoever uses this client has seen; what it raises comes through. With it, no
        contract's refusal counts that comes from a peer with fewer, or from one organisation while another agrees.

        Raises:
            ProfileError: A file is missing or damaged, or a profile is of another market.
        """
        self.profile = profile
        self.timeouts = timeouts or Timeouts()
        self.identity = profile.identity()
        for other in others:
            profile.check_same_market(other)
        self._gateways = Gateways([profile, *others])
        self._doubt = None if seen is None else Doubt(seen, self._newest)

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

        Transient data goes to gateways and peers of `target_organisations` and no others; without these, to those of
        the client's own organisation.

        Raises:
            EvaluateError: The contract or the gateway refused; or there is transient data, and no gateway is of an
                organisation that is to see it.
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
        return not self._accepts(self.prepare(function, now_ms=0), timeout)

    def accepts_time(self, function: str, *, timeout: float | None = None) -> bool:
        """Return whether the peer takes proposals dated by this machine's clock.

        Args:
            function: What a proposal asks for; anyone may evaluate it, and it succeeds.
            timeout: Seconds for the call.

        Raises:
            EvaluateError: It was refused for another reason, so nobody can tell.
            UnavailableError: No answer in time.
        """
        return self._accepts(self.prepare(function), timeout)

    def _accepts(self, proposal: Proposal, timeout: float | None) -> bool:
        try:
            self._evaluate(proposal, (), timeout)
        except EvaluateError as error:
            if error.code is not ErrorCode.CLOCK_SKEWED:
                raise
            return False
        return True

    def _evaluate(self, proposal: Proposal, targets: Sequence[str], timeout: float | None) -> bytes:
        request = gateway_pb2.EvaluateRequest(
            transaction_id=proposal.tx_id,
            channel_id=self.profile.channel,
            proposed_transaction=_signed(proposal),
            target_organizations=targets,
        )
        seers = targets or (self.profile.msp_id,)
        if proposal.transient and not self._gateways.of(seers):
            raise EvaluateError(ErrorCode.MALFORMED_REQUEST, _NO_GATEWAY, tx_id=proposal.tx_id)
        response = self._gateways.ask(
            self._contract(_call(Phase.EVALUATE, "Evaluate", request, proposal.tx_id)),
            timeout=timeout or self.timeouts.evaluate,
            among=seers if proposal.transient else None,
        )
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
                there is transient data, and nobody has been named to see it, or nobody who has a gateway.
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
            endorsing_organisations: Exactly these run it; without transient data, the gateway may choose. With such
                data, only gateways of these are asked, whoever is away: a gateway sees what it passes on.
            timeout: Seconds for the call.

        Raises:
            EndorseError: The contract refused (`market_error`), endorsers disagree, or the answer does not fit; or
                there is transient data, and nobody has been named to see it, or nobody who has a gateway.
            UnavailableError: No answer in time.
        """
        if proposal.transient and not self._gateways.of(endorsing_organisations):
            # A gateway left to choose runs the proposal on its own peer first and goes by what comes of it.
            detail = _NO_GATEWAY if endorsing_organisations else _NOBODY_NAMED
            raise EndorseError(ErrorCode.MALFORMED_REQUEST, detail, tx_id=proposal.tx_id)
        request = gateway_pb2.EndorseRequest(
            transaction_id=proposal.tx_id,
            channel_id=self.profile.channel,
            proposed_transaction=_signed(proposal),
            endorsing_organizations=endorsing_organisations,
        )
        response = self._gateways.ask(
            self._contract(_call(Phase.ENDORSE, "Endorse", request, proposal.tx_id)),
            timeout=timeout or self.timeouts.endorse,
            among=endorsing_organisations if proposal.transient else None,
        )
        return sign_prepared(self.identity, proposal, encode(response.prepared_transaction))

    def submit(self, tx_id: str, envelope: bytes, *, timeout: float | None = None) -> None:
        """Hand the signed `envelope` of transaction `tx_id` to the ordering service; again does no harm.

        Raises:
            EnvelopeError: `envelope` is not common.Envelope.
            SubmitError: It was not taken, or (OUTCOME_UNKNOWN) it is not known whether it was: once a gateway has
                not answered, no other can tell that nobody has it.
        """
        request = gateway_pb2.SubmitRequest(
            transaction_id=tx_id,
            channel_id=self.profile.channel,
            prepared_transaction=decode(common_pb2.Envelope, envelope, "envelope"),
        )
        self._gateways.ask(_call(Phase.SUBMIT, "Submit", request, tx_id), timeout=timeout or self.timeouts.submit)

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
        response = self._gateways.ask(
            _call(Phase.COMMIT_STATUS, "CommitStatus", request, tx_id),
            timeout=timeout or self.timeouts.commit_status,
            waits=True,
        )
        return CommitStatus(tx_id, response.block_number, response.result)

    def blocks(self, start: int, *, stop: int | None = None, timeout: float | None = None) -> Stream[Block]:
        """Return the blocks from number `start` on; without `stop` (included), new ones are waited for for ever.

        The stream has no deadline unless `timeout` (seconds for all of it) is given: a dead connection is noticed by
        keepalive, and `close` of the stream ends it. It comes from one gateway; when it breaks, ask again from the
        block that is wanted next, and another gateway may deliver it. Where there are several, it breaks within
        seconds when the one that delivers does not answer any more, and without `stop` also when one that is
        preferred to it is there again.
        """
        last = FOREVER if stop is None else stop
        seek, delivery = Seek(start, last), Delivery(start, last)
        return self._deliver(self._gateways.first(), seek, delivery, timeout, endless=stop is None)

    def newest_block(self, *, timeout: float | None = None) -> Block:
        """Return the last block that the peer has committed; its number tells the ledger's height.

        Raises:
            DeliverError: The peer sent none.
        """
        return self._gateways.ask(self._newest, timeout=timeout or self.timeouts.evaluate)

    def block(self, number: int, *, timeout: float | None = None) -> Block:
        """Return block `number`, for which a peer that does not have it yet is waited.

        Raises:
            DeliverError: No peer sent it in time.
        """

        def ask(attempt: Attempt, seconds: float) -> Block:
            return self._one(attempt, seconds, Seek(number, number), Delivery(number, number))

        return self._gateways.ask(ask, timeout=timeout or self.timeouts.evaluate)

    def _newest(self, attempt: Attempt, seconds: float) -> Block:
        """Return the last block of one gateway's peer, without a word on how it did."""
        return self._one(attempt, seconds, Seek(Edge.NEWEST, Edge.NEWEST), Delivery(None, 0))

    def _one(self, attempt: Attempt, seconds: float, seek: Seek, delivery: Delivery) -> Block:
        call = self._seek(attempt, seek, seconds)
        stream: Stream[Block] = Stream(None, call, delivery.parse, delivery.check_end)
        try:
            return next(stream)
        finally:
            stream.close()

    def _deliver(
        self, attempt: Attempt, seek: Seek, delivery: Delivery, timeout: float | None, *, endless: bool = False
    ) -> Stream[Block]:
        call = self._seek(attempt, seek, timeout)
        probe = self._newest if timeout is None else None
        return Stream(attempt, call, delivery.parse, delivery.check_end, probe=probe, endless=endless)

    def _contract(self, call: Call) -> Call:
        return call if self._doubt is None else self._doubt.over(call)

    def _seek(self, attempt: Attempt, seek: Seek, timeout: float | None) -> Any:
        now_ms = time.time_ns() // 1_000_000
        envelope = build_seek(self.identity, self.profile.channel, seek, now_ms=now_ms)
        wire = common_pb2.Envelope(payload=envelope.payload, signature=envelope.signature)
        return attempt.services.deliver.Deliver(iter((wire,)), timeout=timeout)

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
        attempt = self._gateways.first()
        call = attempt.services.gateway.ChaincodeEvents(request, timeout=timeout)
        probe = self._newest if timeout is None else None
        return Stream(attempt, call, parse_events, check_events_end, probe=probe, endless=True)

    def close(self) -> None:
        """Close the connections; calls and streams that are under way end."""
        self._gateways.close()


def _call(phase: Phase, method: str, request: Any, tx_id: str) -> Call:
    """Return the call of a method of the Gateway service, as `Gateways.ask` makes it."""

    def call(attempt: Attempt, seconds: float) -> Any:
        try:
            return getattr(attempt.services.gateway, method)(request, timeout=seconds)
        except grpc.RpcError as error:
            raise ledger_error(phase, error, tx_id) from error

    return call


def _signed(proposal: Proposal) -> Any:
    return proposal_pb2.SignedProposal(proposal_bytes=proposal.proposal_bytes, signature=proposal.signature)
