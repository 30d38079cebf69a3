"""Collecting endorsements: which organisations run a proposal, and whether they agree.

As Fabric's gateway: the gateway's own organisation runs a proposal first, what it read and wrote tells whose
endorsements are needed, and the smallest sufficient set of organisations is asked. A client that names the
organisations gets exactly these. All runs of one proposal see the same committed state.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from countermark.network.embedded.choosing import choose
from countermark.network.embedded.endorsement import EndedRun, Endorser, Simulated
from countermark.network.embedded.errors import ExecutionError
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.ledger.snapshots import View
from countermark.network.embedded.services.statuses import CallError
from countermark.network.envelopes import ErrorDetail, Proposal, Response, assemble
from countermark.network.identities import Member
from countermark.network.lifecycle.definition import Definition

_SUCCESS = range(200, 400)


@dataclass(frozen=True, slots=True)
class EndorsingPeer:
    """An organisation's peer: its endorser, and the address that errors name."""

    address: str
    endorser: Endorser

    @property
    def msp_id(self) -> str:
        """The organisation."""
        return self.endorser.msp_id

    def detail(self, message: str) -> ErrorDetail:
        """Return what this endpoint says of a failed call."""
        return ErrorDetail(self.address, self.msp_id, message)


class Collector:
    """Runs proposals at the organisations of `endpoints`, on the state of `ledger`."""

    def __init__(self, definition: Definition, ledger: Ledger, endpoints: Sequence[EndorsingPeer]) -> None:
        self._definition = definition
        self._ledger = ledger
        self._endpoints = {endpoint.msp_id: endpoint for endpoint in endpoints}

    async def evaluate(self, local: str, proposal: Proposal, creator: Member, targets: Sequence[str]) -> Response:
        """Return the answer of one organisation: of the first of `targets`, or of `local`.

        Without targets or transient data, another organisation answers if the local chaincode is away.

        Raises:
            CallError: FAILED_PRECONDITION for an unknown target, UNKNOWN for the chaincode's own refusal, ABORTED if
                no chaincode answered.
        """
        order = list(targets)
        if not order:
            others = [] if proposal.transient else [msp_id for msp_id in self._endpoints if msp_id != local]
            order = [local, *others]
        failed: list[ErrorDetail] = []
        for msp_id in order:
            endpoint = self._endpoints.get(msp_id)
            if endpoint is None:
                raise CallError(grpc.StatusCode.FAILED_PRECONDITION, f"no peers of organisation {msp_id}")
            try:
                with self._ledger.state.snapshots.take() as view:
                    response = (await endpoint.endorser.run(proposal, creator, view)).response
            except ExecutionError as error:
                failed.append(endpoint.detail(error.detail))
                continue
            if response.status not in _SUCCESS:
                message = _refusal(response)
                raise CallError(
                    grpc.StatusCode.UNKNOWN,
                    f"evaluate call to endorser returned error: {message}",
                    [endpoint.detail(message)],
                )
            return response
        raise CallError(
            grpc.StatusCode.ABORTED, "failed to evaluate transaction, see attached details for more info", failed
        )

    async def endorse(self, local: str, proposal: Proposal, creator: Member, organisations: Sequence[str]) -> bytes:
        """Return the payload of the endorsed transaction, ready for its creator's signature.

        Args:
            local: The gateway's organisation, which runs the proposal first if none are named.
            proposal: What to run; it has been admitted.
            creator: Who proposed it.
            organisations: Exactly these endorse, whether that satisfies the policy or not.

        Raises:
            CallError: UNAVAILABLE for an unknown organisation, ABORTED if a chaincode refused, failed or was away, or
                if two organisations disagree, FAILED_PRECONDITION if no organisations satisfy the policies.
        """
        with self._ledger.state.snapshots.take() as view:
            if organisations:
                simulated = await self._run(self._named(organisations), proposal, creator, view)
            else:
                simulated = await self._run([self._endpoints[local]], proposal, creator, view)
                needed = self._needed(local, proposal, simulated[local])
                rest = [self._endpoints[msp_id] for msp_id in needed if msp_id != local]
                simulated |= await self._run(rest, proposal, creator, view)
                if local not in needed:
                    del simulated[local]
        self._check_agreement(simulated)
        endorsed = [
            await self._endpoints[msp_id].endorser.endorse(proposal, one) for msp_id, one in simulated.items()
        ]
        return assemble(proposal, endorsed[0][0].serialized, [endorsement for _, endorsement in endorsed])

    def _named(self, organisations: Sequence[str]) -> list[EndorsingPeer]:
        unknown = [msp_id for msp_id in organisations if msp_id not in self._endpoints]
        if unknown:
            raise CallError(
                grpc.StatusCode.UNAVAILABLE, f"failed to find any endorsing peers for org(s): {', '.join(unknown)}"
            )
        return [self._endpoints[msp_id] for msp_id in dict.fromkeys(organisations)]

    def _needed(self, local: str, proposal: Proposal, simulated: Simulated) -> tuple[str, ...]:
        """Return the organisations whose endorsements what `local` found needs."""
        results = simulated.results
        held = set(results.private_reads)
        if proposal.transient:
            # Whoever holds none of the collections is not to see what is meant for them.
            held |= {hashes.collection for hashes in results.rwset.private_hashes}
        members = [one.members for one in self._definition.collections if one.name in held]
        candidates = [msp_id for msp_id in self._endpoints if all(msp_id in group for group in members)]
        away = frozenset(msp_id for msp_id, endpoint in self._endpoints.items() if not endpoint.endorser.ready)
        done = [local] if local in candidates else []
        chosen = choose(self._definition.policies(results.rwset), candidates, done=done, away=away)
        if chosen is None:
            raise CallError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "no combination of peers can be derived which satisfy the endorsement policy",
            )
        return chosen

    async def _run(
        self, endpoints: Sequence[EndorsingPeer], proposal: Proposal, creator: Member, view: View
    ) -> dict[str, Simulated]:
        """Run `proposal` at all `endpoints` at the same time."""
        runs = await asyncio.gather(
            *(endpoint.endorser.run(proposal, creator, view) for endpoint in endpoints), return_exceptions=True
        )
        failed: list[ErrorDetail] = []
        simulated = {}
        for endpoint, run in zip(endpoints, runs, strict=True):
            match run:
                case ExecutionError():
                    failed.append(endpoint.detail(run.detail))
                case BaseException():
                    raise run
                case EndedRun() if run.response.status not in _SUCCESS:
                    failed.append(endpoint.detail(_refusal(run.response)))
                case EndedRun():
                    simulated[endpoint.msp_id] = endpoint.endorser.conclude(run)
        if failed:
            message = "failed to endorse transaction, see attached details for more info"
            raise CallError(grpc.StatusCode.ABORTED, message, failed)
        return simulated

    def _check_agreement(self, simulated: dict[str, Simulated]) -> None:
        first, *others = simulated.items()
        differing = [msp_id for msp_id, one in others if one.outcome != first[1].outcome]
        if differing:
            raise CallError(
                grpc.StatusCode.ABORTED,
                "failed to collect enough transaction endorsements, see attached details for more info",
                [
                    self._endpoints[msp_id].detail(f"ProposalResponsePayloads do not match that of {first[0]}")
                    for msp_id in differing
                ],
            )


def _refusal(response: Response) -> str:
    return f"chaincode response {response.status}, {response.message}"
