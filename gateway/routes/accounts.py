"""/v1/accounts: opening an account, its ledger record, its coins."""

from typing import Annotated, Literal

import flask
from pydantic import BaseModel, Field

from countermark.gateway import faucet
from countermark.gateway.api import (
    SIGNED,
    WRITTEN,
    account,
    answer,
    asks,
    blueprint,
    gateway,
    link_next,
    perform,
    platform,
    services,
    wait_s,
)
from countermark.gateway.formats import Address, Amount, Time
from countermark.gateway.refusals import refusals
from countermark.gateway.schemas import Body, IntentBody, PageQuery, Resource
from countermark.platform.views import accounts
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("accounts", "Accounts and their money")


class AccountPath(BaseModel):
    """An account."""

    address: Annotated[str, Field(description="the account's `did:key`")]


class EncryptionKey(Resource):
    """The key to which messages for the account are sealed."""

    key: Annotated[str, Field(description="base64url of 1,216 bytes: ML-KEM-768, then X25519")]
    version: Annotated[int, Field(ge=1)]


class Account(Resource):
    """The ledger's record of an account."""

    address: Address
    state: Literal["OPEN", "FROZEN", "RECOVERING", "RECOVERED"]
    encryption_key: EncryptionKey
    frozen_by: Literal["", "owner", "supervisor", "both"]
    opened_at: Time
    updated_at: Time


_Count = Annotated[int, Field(ge=0)]


class Conduct(Resource):
    """How an account's trades and claims have ended; those that run, or came to nothing, are in none."""

    address: Address
    sold: _Count
    bought: _Count
    not_sent: Annotated[_Count, Field(description="payments that it accepted, and sent nothing for")]
    at_fault: Annotated[_Count, Field(description="trades in which it had not sent, or registered, what it sold")]
    disputes_won: Annotated[_Count, Field(description="by decision, or because the other was silent")]
    disputes_lost: _Count
    claims_won: Annotated[_Count, Field(description="contracts that were found to be its own")]
    claims_lost: Annotated[_Count, Field(description="contracts that it had, or claimed, and that were the other's")]


class CoinItem(Resource):
    """An unspent coin."""

    id: Annotated[str, Field(pattern="^[0-9a-f]{64}\\.[0-9]+$", description="transaction and number")]
    amount: Amount


class Purse(Resource):
    """A page of unspent coins, and the sum over all pages."""

    coins: list[CoinItem]
    balance: Amount
    next: str | None


class FundBody(Body):
    """How much to mint, against which deposit."""

    amount: Annotated[str, Field(max_length=20, description="minor units", json_schema_extra={"example": "50000"})]
    reference: Annotated[
        str, Field(max_length=64, description="counts once", json_schema_extra={"example": "deposit-1"})
    ]


@api.post("/v1/accounts", responses=WRITTEN, openapi_extensions=asks("account.open"))
def open_account(body: IntentBody) -> flask.Response:
    """Open an account with its first encryption key."""
    return perform(body.intent, "account.open")


@api.get("/v1/accounts/<address>", responses={200: Account}, security=SIGNED)
def show(path: AccountPath) -> flask.Response:
    """Return one's own account."""
    address = _own(path)
    with services().database.autocommit() as connection:
        return flask.jsonify(accounts.load_account(connection, address))


@api.get("/v1/accounts/<address>/conduct", responses={200: Conduct}, security=SIGNED)
def show_conduct(path: AccountPath) -> flask.Response:
    """Return how anybody's trades have ended, counted from the ledger, to whoever has an account."""
    reader = account()
    with services().database.autocommit() as connection:
        accounts.load_account(connection, reader)
        counted = accounts.load_conduct(connection, fields.address(path.address))
    return flask.jsonify({"address": path.address, **counted})


@api.get("/v1/accounts/<address>/coins", responses={200: Purse}, security=SIGNED)
def coins(path: AccountPath, query: PageQuery) -> flask.Response:
    """Return one's own unspent coins and their sum."""
    address = _own(path)
    with services().database.autocommit() as connection:
        purse = accounts.load_purse(connection, address, cursor=query.cursor, limit=query.limit)
    response = flask.jsonify(
        {
            "coins": [{"id": coin.id, "amount": str(coin.amount)} for coin in purse.coins],
            "balance": str(purse.balance),
            "next": purse.cursor or None,
        }
    )
    return link_next(response, purse.cursor)


@api.post("/v1/accounts/<address>/transfers", responses=WRITTEN, openapi_extensions=asks("coin.transfer"))
def transfer(path: AccountPath, body: IntentBody) -> flask.Response:
    """Pay another account."""
    return _by_owner(path, body, "coin.transfer")


@api.post("/v1/accounts/<address>/redemptions", responses=WRITTEN, openapi_extensions=asks("coin.redeem"))
def redeem(path: AccountPath, body: IntentBody) -> flask.Response:
    """Lock money for an issuer, who pays it out and burns it."""
    return _by_owner(path, body, "coin.redeem")


@api.post("/v1/accounts/<address>/cancellations", responses=WRITTEN, openapi_extensions=asks("intent.cancel"))
def cancel_intent(path: AccountPath, body: IntentBody) -> flask.Response:
    """Burn a nonce, so that an intent that was signed can act no more."""
    return _by_owner(path, body, "intent.cancel")


@api.post(
    "/v1/accounts/<address>/encryption-key",
    responses=WRITTEN,
    openapi_extensions=asks("account.rotate_encryption_key"),
)
def rotate_key(path: AccountPath, body: IntentBody) -> flask.Response:
    """Name a new encryption key."""
    return _by_owner(path, body, "account.rotate_encryption_key")


@api.post("/v1/accounts/<address>/fund", responses={**WRITTEN, **refusals(403, 409, 502, 504)}, security=SIGNED)
def fund(path: AccountPath, body: FundBody) -> flask.Response:
    """Get coins from the issuer's faucet, which only ledgers for development have."""
    address = _own(path)
    amount, reference = fields.amount(body.amount), fields.segment(body.reference)
    return answer(
        faucet.fund(platform(), gateway().writes, to=address, amount=amount, reference=reference, wait_s=wait_s())
    )


def _by_owner(path: AccountPath, body: IntentBody, action: str) -> flask.Response:
    """Bring an intent of the path's account to the ledger."""
    writes = gateway().writes
    intent = writes.parse(body.intent, action)
    if intent.signer != path.address:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "the intent is another account's than the path names")
    return answer(writes.ask(intent, wait_s=wait_s()))


def _own(path: AccountPath) -> str:
    """Return the path's account if it signed the request; to others no account exists."""
    if account() != path.address:
        raise MarketError(ErrorCode.UNKNOWN_ACCOUNT, "no account of yours has this address")
    return path.address
