"""/v1/trades/{id}/dispute, /opening, /decision: a dispute, the buyer's evidence, and what is decided (IV.A)."""

from typing import Annotated

import flask
from pydantic import Field

from countermark.gateway.acts import act, insiders_only, ledger_first
from countermark.gateway.api import (
    SIGNED,
    WRITTEN,
    account,
    answer,
    asks,
    blueprint,
    gateway,
    platform,
    services,
    wait_s,
)
from countermark.gateway.formats import Salt, TradeId
from countermark.gateway.refusals import refusals
from countermark.gateway.routes.trades import TradePath
from countermark.gateway.schemas import Body, IntentBody, Resource, Sealed
from countermark.platform.store.sql import Connection
from countermark.protocol import decisions
from countermark.protocol.decisions import Finding

api = blueprint("disputes", "Disputes: evidence for those who decide, and what they decide")


class SealedOpenings(Body):
    """One sealed message for each who may decide."""

    arbiter: Sealed
    substitute: Sealed


class OpeningsBody(IntentBody):
    """The one-time key of the trade, sealed to the arbiter and to his substitute."""

    openings: SealedOpenings


class Opening(Resource):
    """The one-time key of the trade, sealed to the one who decides now."""

    opening: Sealed


class GivenReasons(Body):
    """Why a trade was decided as it was; what the ledger holds is the digest of its canonical JSON (RFC 8785)."""

    trade: TradeId
    finding: Annotated[Finding, Field(strict=False)]
    remark: Annotated[str, Field(max_length=decisions.LONGEST_REMARK, description="for people")]
    salt: Salt


class DecisionBody(IntentBody):
    """A decision and the reasons for it."""

    reasons: GivenReasons


class Reasons(Resource):
    """The reasons of a decision, whose digest stands in the trade's record."""

    reasons: GivenReasons


@api.post("/v1/trades/<trade>/dispute", responses=WRITTEN, openapi_extensions=asks("trade.dispute"))
def dispute(path: TradePath, body: IntentBody) -> flask.Response:
    """Dispute the delivery."""
    return act(path.trade, body.intent, "trade.dispute")


@api.post("/v1/trades/<trade>/opening", responses=WRITTEN, openapi_extensions=asks("trade.open", sealed="opening"))
def open_key(path: TradePath, body: OpeningsBody) -> flask.Response:
    """Hand the trade's one-time key to arbiter and substitute."""
    writes = gateway().writes
    intent = writes.parse(body.intent, "trade.open", trade=path.trade)
    if gateway().passing is not None:
        return ledger_first(intent, insiders_only(intent))
    openings = {name: getattr(body.openings, name).model_dump() for name in ("arbiter", "substitute")}

    def may(connection: Connection) -> None:
        # With the check of a fresh intent and before its row: what the ledger is told of is here.
        platform().openings.store(connection, intent, openings)

    return answer(writes.ask(intent, wait_s=wait_s(), may=may))


@api.get("/v1/trades/<trade>/opening", responses={200: Opening, **refusals(403)}, security=SIGNED)
def show_opening(path: TradePath) -> flask.Response:
    """Return the opening that is sealed to the one who decides now, to him."""
    judge = account()
    with services().database.autocommit() as connection:
        return flask.jsonify({"opening": platform().openings.find(connection, path.trade, account=judge)})


@api.post("/v1/trades/<trade>/decision", responses=WRITTEN, openapi_extensions=asks("trade.decide"))
def decide(path: TradePath, body: DecisionBody) -> flask.Response:
    """Decide a dispute, and give the reasons for it.

    The ledger takes it from a client of the decider's own organisation alone. Who has sent the intent there hands it
    in here with his reasons.
    """
    writes = gateway().writes
    intent = writes.parse(body.intent, "trade.decide", trade=path.trade)
    if gateway().passing is not None:
        return ledger_first(intent, insiders_only(intent))
    reasons = decisions.Reasons.from_json(body.reasons.model_dump(mode="json"))

    def may(connection: Connection) -> None:
        platform().decisions.store(connection, intent, reasons)

    return answer(writes.ask(intent, wait_s=wait_s(), may=may))


@api.get("/v1/trades/<trade>/decision", responses={200: Reasons}, security=SIGNED)
def show_decision(path: TradePath) -> flask.Response:
    """Return the reasons of the decision, to the parties and to who may have decided."""
    party = account()
    with services().database.autocommit() as connection:
        return flask.jsonify({"reasons": platform().decisions.find(connection, path.trade, account=party)})
