"""The endorser of one organisation: runs a proposal on its chaincode and signs what came of it.

Steps and messages are those of Fabric's endorser: checks of the proposal (`Gatekeeper`), simulation, then the
endorsement over response payload and endorser.
"""

import asyncio
import time
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from fabric_protos.peer import chaincode_shim_pb2, proposal_response_pb2

from countermark.network.embedded.chaincode.link import ChaincodeLink
from countermark.network.embedded.errors import ExecutionError, ProposalError
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.ledger.snapshots import View
from countermark.network.embedded.membership import READERS, WRITERS, Membership
from countermark.network.embedded.signatures import Signatures
from countermark.network.embedded.simulation import Results, Simulation
from countermark.network.envelopes import (
    ChaincodeEvent,
    Endorsement,
    Outcome,
    Proposal,
    Response,
    ResponsePayload,
    build_response_payload,
    endorse,
)
from countermark.network.envelopes.wire import decode
from countermark.network.errors import IdentityError, NetworkError, SignatureError
from countermark.network.identities import Member, Role, SigningIdentity
from countermark.network.lifecycle.definition import Definition

_COMPLETED = chaincode_shim_pb2.ChaincodeMessage.COMPLETED


def clock_ms() -> int:
    """Return the time of the peer's clock in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that the chaincode has ended: its answer, and the simulation that knows what it read and would write."""

    response: Response
    event: ChaincodeEvent | None
    simulation: Simulation = field(repr=False)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a run gave: the answer, and what it read and would write."""

    outcome: Outcome
    results: Results


class Gatekeeper:
    """The checks that every proposal passes before any chaincode sees it."""

    def __init__(
        self,
        channel: str,
        definition: Definition,
        membership: Membership,
        ledger: Ledger,
        *,
        time_window_ms: int,
        now_ms: Callable[[], int] = clock_ms,
    ) -> None:
        self._channel = channel
        self._definition = definition
        self._membership = membership
        self._ledger = ledger
        self._time_window_ms = time_window_ms
        self._now_ms = now_ms

    def admit(self, proposal: Proposal) -> Member:
        """Return the member who made `proposal`, whose transaction id has been checked, if it may run.

        Raises:
            ProposalError: Another channel or chaincode, no member, a bad signature, a timestamp outside the window,
                or a transaction id that has been used.
        """
        header = proposal.header
        if header.channel != self._channel:
            raise ProposalError("no_such_channel", f"channel '{header.channel}' not found")
        if header.chaincode != self._definition.name:
            raise ProposalError("no_such_chaincode", f"chaincode {header.chaincode} not found")
        return self._check(proposal, WRITERS)

    def admit_query(self, proposal: Proposal) -> Member:
        """Return the member who made `proposal` to the peer's own chaincodes, if he may read.

        Raises:
            ProposalError: Another channel, no member, a bad signature, a timestamp outside the window, or a
                transaction id that has been used.
        """
        if proposal.header.channel not in ("", self._channel):
            raise ProposalError("no_such_channel", f"channel '{proposal.header.channel}' not found")
        return self._check(proposal, READERS)

    def _check(self, proposal: Proposal, roles: Container[Role]) -> Member:
        header = proposal.header
        now_ms = self._now_ms()
        try:
            member = self._membership.authenticate(
                header.creator,
                proposal.signature,
                proposal.proposal_bytes,
                at_ms=now_ms,
                roles=roles,
            )
        except (IdentityError, SignatureError) as error:
            raise ProposalError("not_authorised", f"error validating proposal: {error}") from error
        if abs(header.timestamp_ms - now_ms) > self._time_window_ms:
            raise ProposalError(
                "timestamp_out_of_window",
                f"request unauthorized due to incorrect timestamp {header.timestamp_ms}, peer time {now_ms}, "
                f"peer.authentication.timewindow {self._time_window_ms} ms",
            )
        if self._ledger.transaction(header.tx_id) is not None:
            raise ProposalError("duplicate_transaction", f"duplicate transaction found [{header.tx_id}]")
        return member


class Endorser:
    """The peer of one organisation: its chaincode and its signing key."""

    def __init__(
        self,
        identity: SigningIdentity,
        link: ChaincodeLink,
        definition: Definition,
        ledger: Ledger,
        signatures: Signatures,
        *,
        timeout_s: float,
    ) -> None:
        self.msp_id = identity.msp_id
        self._identity = identity
        self._link = link
        self._definition = definition
        self._ledger = ledger
        self._signatures = signatures
        self._timeout_s = timeout_s

    @property
    def ready(self) -> bool:
        """True while the organisation's chaincode is connected."""
        return self._link.ready

    async def run(self, proposal: Proposal, creator: Member, view: View) -> EndedRun:
        """Run `proposal` by `creator` on the organisation's chaincode, on the state in `view`.

        The chaincode's own refusal is no error here: see the status of the response.

        Raises:
            ExecutionError: The chaincode is away, took too long, broke off, or failed outside its contract.
        """
        tx_id = proposal.tx_id
        simulation = Simulation(
            view, self._ledger.private, self._definition, creator_msp=creator.msp_id, peer_msp=self.msp_id
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                message = await self._link.execute(proposal, simulation)
        except TimeoutError as error:
            raise ExecutionError(
                "execution_timeout", f"failed to execute transaction {tx_id}: timeout expired while executing"
            ) from error
        if message.type != _COMPLETED:
            text = message.payload.decode(errors="replace")
            raise ExecutionError("chaincode_failed", f"transaction returned with failure: {text}")
        event = None
        if message.HasField("chaincode_event") and message.chaincode_event.event_name:
            # Chaincode and transaction are the peer's to say, not the chaincode's.
            event = ChaincodeEvent(
                self._definition.name, tx_id, message.chaincode_event.event_name, message.chaincode_event.payload
            )
        return EndedRun(_parse(message.payload, tx_id), event, simulation)

    def conclude(self, run: EndedRun) -> Simulated:
        """Return what `run` gave, as it is endorsed."""
        results = run.simulation.results()
        outcome = Outcome(
            response=run.response,
            results=results.public,
            chaincode=self._definition.name,
            version=self._definition.version,
            event=run.event,
        )
        return Simulated(outcome, results)

    async def endorse(self, proposal: Proposal, simulated: Simulated) -> tuple[ResponsePayload, Endorsement]:
        """Return the organisation's endorsement; private writes are on disk before it is given away."""
        if simulated.results.private is not None:
            await asyncio.to_thread(
                self._ledger.private.stage, proposal.tx_id, simulated.results.private, height=self._ledger.height
            )
        payload = build_response_payload(proposal, simulated.outcome)
        endorsement = endorse(self._identity, payload.serialized)
        self._signatures.made(endorsement.endorser, endorsement.signature, payload.serialized + endorsement.endorser)
        return payload, endorsement


def _parse(payload: bytes, tx_id: str) -> Response:
    try:
        wire = decode(proposal_response_pb2.Response, payload, "response")
    except NetworkError as error:
        raise ExecutionError("bad_response", f"failed to unmarshal response for transaction {tx_id}") from error
    return Response(wire.status, wire.payload, wire.message)
