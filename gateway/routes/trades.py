"""/v1/trades: one's own trades, and every step of them that a party takes."""

import time
from typing import Annotated, Any

import flask
from pydantic import BaseModel, Field

from countermark.gateway.acts import act, insiders_only, ledger_first
from countermark.gateway.api import (
    SIGNED,
    WRITTEN,
    account,
    answer,
    asks,
    blueprint,
    collection,
    gateway,
    ledger_intent,
    platform,
    services,
    wait_s,
)
from countermark.gateway.formats import Address, Amount, ListingId, NoTime, Time, Token, TradeId, TransactionId
from countermark.gateway.schemas import (
    IntentBody,
    LedgerIntent,
    PageQuery,
    Resource,
    SealedIntentBody,
    Transaction,
)
from countermark.platform.store.sql import Connection
from countermark.platform.views import trades
from countermark.protocol import ids
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from countermark.protocol.transitions import Actor, Outcome, TradeState

api = blueprint("trades", "Trades of one's own")


class TradePath(BaseModel):
    """A trade."""

    trade: Annotated[str, Field(description="the trade's id")]


class TradesQuery(PageQuery):
    """Which of one's trades to show."""

    open: Annotated[bool, Field(description="leave out those that have ended")] = False
    deciding: Annotated[bool, Field(description="instead of one's own, those whose dispute one decides now")] = False


class Next(Resource):
    """What may happen now, and until when."""

    actors: Annotated[
        dict[str, list[Actor]],
        Field(
            description="by contract function, who may call it",
            json_schema_extra={"example": {"trade.charge": ["seller"]}},
        ),
    ]
    deadline: Time | NoTime


class Step(Resource):
    """What has happened to a trade."""

    txid: TransactionId
    function: str
    time: Time


class Trade(Resource):
    """The ledger's record of a trade, what may happen next, and its steps so far."""

    id: TradeId
    listing: ListingId
    seller: Address
    buyer: Address
    state: TradeState
    outcome: Annotated[Outcome, Field(description="why it ended, empty while it runs")]
    price: Amount
    fee: Amount
    bond: Amount
    deadline: Annotated[Time | NoTime, Field(description="of the present state; empty in final ones")]
    next: Next
    history: Annotated[list[Step], Field(description="the oldest first")]


class Trades(Resource):
    """A page of trades."""

    items: list[Trade]
    next: str | None


class Noticed(Resource):
    """The transaction that names the notice, and the platform's receipt for it (compact JWS)."""

    transaction: Transaction
    receipt: Token


_NOTICED: Any = {200: Noticed, 202: Noticed}


@api.get("/v1/trades", responses={200: Trades}, security=SIGNED)
def browse(query: TradesQuery) -> flask.Response:
    """Return one's own trades, the newest first."""
    party = account()
    with services().database.autocommit() as connection:
        page = trades.list_trades(
            connection,
            party,
            open_only=query.open,
            deciding=query.deciding,
            cursor=query.cursor,
            limit=query.limit,
        )
    return collection(page.trades, page.cursor)


@api.get("/v1/trades/<trade>", responses={200: Trade}, security=SIGNED)
def show(path: TradePath) -> flask.Response:
    """Return one of one's own trades."""
    party = account()
    with services().database.autocommit() as connection:
        return flask.jsonify(trades.load_trade_for(connection, path.trade, party=party))


@api.get("/v1/trades/<trade>/payment", responses={200: LedgerIntent}, security=SIGNED)
def show_payment(path: TradePath) -> flask.Response:
    """Return the intent with which a trade was paid, from the ledger, for its parties: it binds the one-time key."""
    party = account()
    with services().database.autocommit() as connection:
        number, txid = trades.find_payment(connection, path.trade, party=party)
    return ledger_intent(number, txid)


@api.post("/v1/trades", responses=WRITTEN, openapi_extensions=asks("trade.pay"))
def pay(body: IntentBody) -> flask.Response:
    """Pay into a contract, which makes a trade (step (11))."""
    return _pay(gateway().writes.parse(body.intent, "trade.pay"))


@api.post("/v1/trades/<trade>/payment", responses=WRITTEN, openapi_extensions=asks("trade.pay"))
def pay_as(path: TradePath, body: IntentBody) -> flask.Response:
    """Pay into a contract, the trade's id being known beforehand."""
    intent = gateway().writes.parse(body.intent, "trade.pay")
    made = ids.trade_id(
        market=intent.market, listing=intent.params["listing"], buyer=intent.signer, nonce=intent.nonce
    )
    if made != path.trade:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "the intent makes another trade than the path names")
    return _pay(intent)


def _pay(intent: Intent) -> flask.Response:
    def may(connection: Connection) -> None:
        # A contract that is not public yet does not exist for a buyer.
        services().catalogue.find(connection, intent.params["listing"], viewer=intent.signer)

    return answer(gateway().writes.ask(intent, wait_s=wait_s(), may=may))


@api.post("/v1/trades/<trade>/charge", responses=WRITTEN, openapi_extensions=asks("trade.charge"))
def charge(path: TradePath, body: IntentBody) -> flask.Response:
    """Accept the sale and pay fee and bond (step (12))."""
    return act(path.trade, body.intent, "trade.charge")


@api.post("/v1/trades/<trade>/cancellation", responses=WRITTEN, openapi_extensions=asks("trade.cancel"))
def cancel(path: TradePath, body: IntentBody) -> flask.Response:
    """Give the sale up."""
    return act(path.trade, body.intent, "trade.cancel")


@api.post("/v1/trades/<trade>/confirmation", responses=WRITTEN, openapi_extensions=asks("trade.confirm"))
def confirm(path: TradePath, body: IntentBody) -> flask.Response:
    """Confirm the purchase, which settles it (steps (23), (24))."""
    return act(path.trade, body.intent, "trade.confirm")


@api.post("/v1/trades/<trade>/acceptance", responses=WRITTEN, openapi_extensions=asks("trade.accept"))
def accept(path: TradePath, body: IntentBody) -> flask.Response:
    """Take an altered copy as it is, or in a dispute its remedy."""
    return act(path.trade, body.intent, "trade.accept")


@api.post(
    "/v1/trades/<trade>/notices",
    responses=_NOTICED,
    openapi_extensions=asks("trade.send", sealed="notice"),
)
def send(path: TradePath, body: SealedIntentBody) -> flask.Response:
    """Commit to package and notice (steps (13) to (16))."""
    return _notice(path, body, "trade.send")


@api.post(
    "/v1/trades/<trade>/acknowledgement",
    responses=_NOTICED,
    openapi_extensions=asks("trade.ack", sealed="notice"),
)
def acknowledge(path: TradePath, body: SealedIntentBody) -> flask.Response:
    """Say what was received (step (20))."""
    return _notice(path, body, "trade.ack")


@api.post(
    "/v1/trades/<trade>/remedy",
    responses=_NOTICED,
    openapi_extensions=asks("trade.remedy", sealed="notice"),
)
def remedy(path: TradePath, body: SealedIntentBody) -> flask.Response:
    """Commit to a second package and its notice, once, while a dispute waits for its decision."""
    return _notice(path, body, "trade.remedy")


def _notice(path: TradePath, body: SealedIntentBody, action: str) -> flask.Response:
    deadline = time.monotonic() + wait_s()
    writes = gateway().writes
    intent = writes.parse(body.intent, action, trade=path.trade)
    if gateway().passing is not None:
        return ledger_first(intent, insiders_only(intent))
    submitted = platform().notices.submit(body.intent, body.sealed.model_dump())
    entry = submitted.entry
    outcome = writes.told(intent) if entry is None else writes.outcome(entry, deadline, intent=intent)
    response = flask.jsonify({"transaction": outcome.resource, "receipt": submitted.receipt})
    response.status_code = outcome.status
    response.headers.update(outcome.headers)
    return response
