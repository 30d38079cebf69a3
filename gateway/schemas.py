"""The bodies, queries and answers that several nouns share."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from countermark.gateway.formats import Amount, Digest, ListingId, Token, TransactionId
from countermark.platform.views import cursors
from countermark.protocol.errors import ErrorCode
from countermark.protocol.transitions import ListingState, TradeState

TOKEN_CHARACTERS = 65_536


class Body(BaseModel):
    """A JSON body: exactly its members, no conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """A query string: exactly its members."""

    model_config = ConfigDict(extra="forbid")


class Resource(BaseModel):
    """A JSON answer; what documentation does not name may be in it too."""

    model_config = ConfigDict(extra="allow")


class IntentBody(Body):
    """An intent (compact JWS) of the account that acts."""

    intent: Annotated[
        str,
        Field(
            max_length=TOKEN_CHARACTERS,
            description="compact JWS, made as told at the top of this document",
            json_schema_extra={"example": "eyJhbGciOiJFUzI1NiJ9.eyJhY3Rpb24iOiJ0cmFkZS5jb25maXJtIn0.c2lnbmF0dXJl"},
        ),
    ]


class Sealed(Body):
    """A message sealed to one receiver's key: to the platform's, where nothing else is said."""

    v: Annotated[int, Field(description="version of this form", json_schema_extra={"example": 1})]
    kind: Annotated[
        str, Field(description="what is sealed; bound to the ciphertext", json_schema_extra={"example": "notice"})
    ]
    key_version: Annotated[int, Field(description="version of the receiver's key", json_schema_extra={"example": 1})]
    ciphertext: Annotated[
        str,
        Field(description="base64url: encapsulated key, then ciphertext", json_schema_extra={"example": "q83vEjRW"}),
    ]


class SealedBody(Body):
    """A sealed message."""

    sealed: Sealed


class SealedIntentBody(IntentBody):
    """An intent with the sealed message whose digest it carries."""

    sealed: Sealed


class PageQuery(Query):
    """Which page of a collection."""

    cursor: Annotated[str, Field(max_length=512, description="`next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=cursors.LONGEST_PAGE, description="most items of the page")] = (
        cursors.LONGEST_PAGE
    )


class Refused(Resource):
    """Why a transaction came to nothing."""

    code: ErrorCode
    detail: str


class Transaction(Resource):
    """A transaction on the ledger, as far as it has come."""

    txid: TransactionId
    state: Literal["pending", "committed", "refused", "invalid"]
    function: Annotated[str, Field(description="contract function", json_schema_extra={"example": "trade.confirm"})]
    result: Annotated[dict[str, Any] | None, Field(description="the function's answer, once committed")]
    error: Annotated[Refused | None, Field(description="where it was refused or is invalid")]


class LedgerIntent(Resource):
    """An intent as it stands on the ledger, with its transaction and block."""

    intent: Token
    txid: TransactionId
    block: Annotated[int, Field(ge=0)]


class Malformed(Resource):
    """A member that is not of the described form."""

    pointer: Annotated[str, Field(description="JSON pointer (RFC 6901)", json_schema_extra={"example": "/sealed/v"})]
    detail: str


class Problem(Resource):
    """A problem document (RFC 9457)."""

    type: Annotated[str, Field(pattern="^/problems/[a-z_]+$")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    code: ErrorCode
    detail: str
    retryable: Annotated[bool, Field(description="whether the same request may succeed later")]
    txid: Annotated[TransactionId | None, Field(description="the transaction that was refused")] = None
    errors: Annotated[list[Malformed], Field(description="what is malformed in body, query or path")] = []
    trade_state: Annotated[TradeState | None, Field(description="with `wrong_state`: where the trade stands")] = None
    listing_state: Annotated[ListingState | None, Field(description="with `wrong_state`")] = None
    allowed: Annotated[list[str], Field(description="with `wrong_state`: what the signer may ask for there")] = []
    received: Annotated[int, Field(description="with `upload_offset`: the offset to go on from")] = 0
    case: Annotated[str, Field(description="the gate's case number, where it refused or holds back data")] = ""
    listing: Annotated[ListingId | None, Field(description="one's own contract, with `relist_existing`")] = None
    price: Annotated[
        Amount | None, Field(description="with `rate_limited`: what the inquiry costs, as nothing more of it is free")
    ] = None
    missing: Annotated[
        list[Digest], Field(description="with `parts_missing`: the parts to send, then this again")
    ] = []
