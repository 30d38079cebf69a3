"""/v1/accounts: opening an account, its ledger record, its coins."""

from typing import Annotated

import flask
from pydantic import BaseModel, Field

from countermark.gateway import faucet
from countermark.gateway.api import (
    SIGNED,
    Body,
    IntentBody,
    PageQuery,
    Resource,
    Transaction,
    account,
    answer,
    blueprint,
    gateway,
    link_next,
    perform,
    services,
    wait_s,
)
from countermark.platform.views import accounts
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("accounts", "Accounts and their money")


class AccountPath(BaseModel):
    """An account."""

    address: str


class Account(Resource):
    """The ledger's record of an account."""

    address: str
    state: str
    encryption_key: dict[str, object]


class CoinItem(Resource):
    """An unspent coin; ``amount`` in minor units."""

    id: str
    amount: str


class Purse(Resource):
    """A page of unspent coins, and the sum over all pages."""

    coins: list[CoinItem]
    balance: str
    next: str | None


class FundBody(Body):
    """How much to mint, against which deposit."""

    amount: Annotated[str, Field(max_length=20)]
    reference: Annotated[str, Field(max_length=64)]


@api.post("/v1/accounts", responses={200: Transaction, 202: Transaction})
def open_account(body: IntentBody) -> flask.Response:
    """Open an account: intent `account.open`."""
    return perform(body.intent, "account.open")


@api.get("/v1/accounts/<address>", responses={200: Account}, security=SIGNED)
def show(path: AccountPath) -> flask.Response:
    """Return one's own account."""
    address = _own(path)
    with services().database.begin() as connection:
        return flask.jsonify(accounts.load_account(connection, address))


@api.get("/v1/accounts/<address>/coins", responses={200: Purse}, security=SIGNED)
def coins(path: AccountPath, query: PageQuery) -> flask.Response:
    """Return one's own unspent coins and their sum."""
    address = _own(path)
    with services().database.begin() as connection:
        purse = accounts.load_purse(connection, address, cursor=query.cursor, limit=query.limit)
    response = flask.jsonify(
        {
            "coins": [{"id": coin.id, "amount": str(coin.amount)} for coin in purse.coins],
            "balance": str(purse.balance),
            "next": purse.cursor or None,
        }
    )
    return link_next(response, purse.cursor)


@api.post("/v1/accounts/<address>/transfers", responses={200: Transaction, 202: Transaction})
def transfer(path: AccountPath, body: IntentBody) -> flask.Response:
    """Pay another account: intent `coin.transfer` of this one."""
    return _by_owner(path, body, "coin.transfer")


@api.post("/v1/accounts/<address>/redemptions", responses={200: Transaction, 202: Transaction})
def redeem(path: AccountPath, body: IntentBody) -> flask.Response:
    """Lock money for an issuer, who pays it out and burns it: intent `coin.redeem` of this account."""
    return _by_owner(path, body, "coin.redeem")


@api.post("/v1/accounts/<address>/cancellations", responses={200: Transaction, 202: Transaction})
def cancel_intent(path: AccountPath, body: IntentBody) -> flask.Response:
    """Burn a nonce, so that an intent that was signed can act no more: intent `intent.cancel` of this account."""
    return _by_owner(path, body, "intent.cancel")


@api.post("/v1/accounts/<address>/encryption-key", responses={200: Transaction, 202: Transaction})
def rotate_key(path: AccountPath, body: IntentBody) -> flask.Response:
    """Name a new encryption key: intent `account.rotate_encryption_key` of this account."""
    return _by_owner(path, body, "account.rotate_encryption_key")


@api.post("/v1/accounts/<address>/fund", responses={200: Transaction, 202: Transaction}, security=SIGNED)
def fund(path: AccountPath, body: FundBody) -> flask.Response:
    """Get coins from the issuer's faucet, which only ledgers for development have."""
    address = _own(path)
    amount, reference = fields.amount(body.amount), fields.segment(body.reference)
    return answer(
        faucet.fund(services(), gateway().writes, to=address, amount=amount, reference=reference, wait_s=wait_s())
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
