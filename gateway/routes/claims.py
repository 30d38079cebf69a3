"""/v1/claims: who says that a contract is of his data, what its owner answers, and what is decided (A-08)."""

from collections.abc import Callable
from typing import Annotated, Literal

import flask
from pydantic import BaseModel, Field

from countermark.gateway.acts import ledger_first
from countermark.gateway.api import (
    SIGNED,
    WRITTEN,
    account,
    answer,
    asks,
    blueprint,
    collection,
    gateway,
    platform,
    services,
    wait_s,
)
from countermark.gateway.formats import Address, Amount, ClaimId, ListingId, NoTime, Salt, Time
from countermark.gateway.refusals import refusals
from countermark.gateway.routes.trades import Step
from countermark.gateway.schemas import Body, IntentBody, PageQuery, Resource, Sealed, SealedIntentBody
from countermark.platform.claims import view
from countermark.platform.store.sql import Connection
from countermark.protocol import claim_papers
from countermark.protocol.claims import ClaimActor, Claimed, ClaimState
from countermark.protocol.intents import Intent

api = blueprint("claims", "Claims of ownership")


class ClaimPath(BaseModel):
    """A claim."""

    claim: Annotated[str, Field(description="the claim's id")]


class ClaimsQuery(PageQuery):
    """Which of one's claims to show."""

    open: Annotated[bool, Field(description="leave out those that have ended")] = False


class NextOfClaim(Resource):
    """What may happen now, and until when."""

    actors: Annotated[
        dict[str, list[ClaimActor]],
        Field(
            description="by contract function, who may call it",
            json_schema_extra={"example": {"claim.answer": ["owner"]}},
        ),
    ]
    deadline: Time | NoTime


class Claim(Resource):
    """The ledger's record of a claim, what may happen next, and its steps so far."""

    id: ClaimId
    listing: ListingId
    claimant: Address
    owner: Annotated[Address, Field(description="who owned the contract when it was claimed, or has answered for it")]
    state: ClaimState
    outcome: Annotated[Claimed, Field(description="whose the contract was found to be, empty where nobody found it")]
    deposit: Amount
    deadline: Annotated[Time | NoTime, Field(description="of the present state; empty in final ones")]
    next: NextOfClaim
    history: Annotated[list[Step], Field(description="the oldest first")]


class Claims(Resource):
    """A page of claims."""

    items: list[Claim]
    next: str | None


class Evidence(Resource):
    """What either side has sealed to the one who decides; null where none is here."""

    claimant: Sealed | None
    owner: Sealed | None


class GivenClaimReasons(Body):
    """Why a claim was decided as it was; what the ledger holds is the digest of its canonical JSON (RFC 8785)."""

    claim: ClaimId
    decision: Literal["claimant", "owner"]
    remark: Annotated[str, Field(max_length=claim_papers.LONGEST_REMARK, description="for people")]
    salt: Salt


class ClaimDecisionBody(IntentBody):
    """A decision and the reasons for it."""

    reasons: GivenClaimReasons


class ClaimReasons(Resource):
    """The reasons of a decision, whose digest stands in the claim's record."""

    reasons: GivenClaimReasons


@api.post("/v1/claims", responses=WRITTEN, openapi_extensions=asks("claim.open", sealed="claim"))
def create(body: SealedIntentBody) -> flask.Response:
    """Claim a contract: pay the deposit, and hand in the evidence, sealed to the supervisor."""
    return _with_evidence(gateway().writes.parse(body.intent, "claim.open"), body.sealed)


@api.get("/v1/claims", responses={200: Claims}, security=SIGNED)
def browse(query: ClaimsQuery) -> flask.Response:
    """Return the claims in which one has a part: as claimant, as owner, or as the one who decides."""
    party = account()
    with services().database.autocommit() as connection:
        page = view.list_claims(connection, party, open_only=query.open, cursor=query.cursor, limit=query.limit)
    return collection(page.claims, page.cursor)


@api.get("/v1/claims/<claim>", responses={200: Claim}, security=SIGNED)
def show(path: ClaimPath) -> flask.Response:
    """Return a claim, to who has a part in it."""
    party = account()
    with services().database.autocommit() as connection:
        return flask.jsonify(view.load_claim_for(connection, path.claim, party=party))


@api.post("/v1/claims/<claim>/answer", responses=WRITTEN, openapi_extensions=asks("claim.answer", sealed="claim"))
def give_answer(path: ClaimPath, body: SealedIntentBody) -> flask.Response:
    """Answer for one's contract: pay an equal deposit, and hand in the evidence, sealed to the supervisor."""
    return _with_evidence(gateway().writes.parse(body.intent, "claim.answer", claim=path.claim), body.sealed)


@api.get("/v1/claims/<claim>/evidence", responses={200: Evidence, **refusals(403)}, security=SIGNED)
def show_evidence(path: ClaimPath) -> flask.Response:
    """Return the sealed evidence of either side, to the one who decides."""
    judge = account()
    with services().database.autocommit() as connection:
        return flask.jsonify(platform().claim_papers.evidence(connection, path.claim, account=judge))


@api.post("/v1/claims/<claim>/decision", responses=WRITTEN, openapi_extensions=asks("claim.decide"))
def decide(path: ClaimPath, body: ClaimDecisionBody) -> flask.Response:
    """Decide a claim, and give the reasons for it.

    The ledger takes it from a client of the supervisor's organisation alone. Who has sent the intent there hands it
    in here with his reasons.
    """
    writes = gateway().writes
    intent = writes.parse(body.intent, "claim.decide", claim=path.claim)
    if gateway().passing is not None:
        return ledger_first(intent, _insiders_only(intent))
    reasons = claim_papers.ClaimReasons.from_json(body.reasons.model_dump())

    def may(connection: Connection) -> None:
        platform().claim_papers.store_reasons(connection, intent, reasons)

    return answer(writes.ask(intent, wait_s=wait_s(), may=may))


@api.get("/v1/claims/<claim>/decision", responses={200: ClaimReasons}, security=SIGNED)
def show_decision(path: ClaimPath) -> flask.Response:
    """Return the reasons of the decision, to who has a part in the claim."""
    party = account()
    with services().database.autocommit() as connection:
        return flask.jsonify({"reasons": platform().claim_papers.reasons(connection, path.claim, account=party)})


def _with_evidence(intent: Intent, message: Sealed) -> flask.Response:
    if gateway().passing is not None:
        # Nobody has a part in a claim before it is opened.
        return ledger_first(intent, None if intent.action == "claim.open" else _insiders_only(intent))

    # Before the ledger is told of it: what it is told of is here.
    platform().claim_papers.take_evidence(intent, message.model_dump())
    return answer(gateway().writes.ask(intent, wait_s=wait_s()))


def _insiders_only(intent: Intent) -> Callable[[Connection], None]:
    def may(connection: Connection) -> None:
        view.load_claim(connection, intent.params["claim"]).role(intent.signer)

    return may
