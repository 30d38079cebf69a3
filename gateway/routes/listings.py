"""/v1/listings: registering data (steps (4) to (7)), the management fee (8), browsing (9-1), offers."""

import time
from typing import Annotated, Any, Literal

import flask
from pydantic import BaseModel, Field

from countermark.gateway.api import (
    SIGNED_OR_NOT,
    WRITTEN,
    account_or_nobody,
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
from countermark.gateway.formats import Address, Amount, Digest, ListingId, Time
from countermark.gateway.problems import ProblemError
from countermark.gateway.schemas import IntentBody, LedgerIntent, PageQuery, Resource, SealedBody
from countermark.platform.contracts.catalogue import Filters, ListingView
from countermark.platform.contracts.market import load_market
from countermark.platform.contracts.parts import PartsMissingError
from countermark.platform.matching.gate import GateRefusedError
from countermark.protocol import accounts, money
from countermark.protocol.encoding import b64u
from countermark.protocol.market import MarketConfig
from countermark.protocol.transitions import ListingState

api = blueprint("listings", "Contracts for the sale of data")


class ListingPath(BaseModel):
    """A contract."""

    listing: Annotated[str, Field(description="the contract's address")]


class ListingsQuery(PageQuery):
    """Which listings to show."""

    q: Annotated[str, Field(max_length=200, description="words that the description must have")] = ""
    state: Annotated[ListingState | Literal["any"], Field(description="a state, or `any`")] = ListingState.LISTED
    owner: Annotated[str, Field(max_length=100, description="an account's address")] = ""
    max_price: Annotated[int | None, Field(ge=0, lt=2**63, description="minor units")] = None


class Offer(Resource):
    """What the owner asks for, in its present version."""

    version: Annotated[int, Field(ge=1)]
    right: Literal["ownership"]
    price: Amount
    deadlines: Annotated[dict[str, int], Field(description="seconds, by the clock of each state")]


class Listing(Resource):
    """A contract as anybody may see it: description, price, commitments; nothing of the data's fingerprint."""

    address: ListingId
    owner: Address
    seller: Address
    state: ListingState
    offer: Offer
    fee: Annotated[Amount, Field(description="transaction fee at this price, minor units")]
    bond: Annotated[Amount, Field(description="what buyer and seller each pledge, minor units")]
    management_fee: Annotated[Amount, Field(description="minor units, due before the contract is public")]
    description: Annotated[dict[str, Any] | None, Field(description="in the seller's words; null once erased")]
    salt_d: Annotated[str | None, Field(description="base64url; with it `c_d` commits to the description")]
    c_d: Digest
    c_f: Annotated[Digest, Field(description="commitment to the fingerprints")]
    c_exact: Annotated[Digest, Field(description="commitment to the exact bytes")]
    claimed: Annotated[bool, Field(description="whether somebody says that it is his: nobody can pay for it then")]
    items: Annotated[int, Field(ge=1)]
    generator: Annotated[str, Field(description="of the fingerprints", json_schema_extra={"example": "image/v1"})]
    created_at: Time
    held: Annotated[bool, Field(description="whether by the supervisor's order nothing of it is deleted")]
    erased: Annotated[bool, Field(description="whether its owner has had description and fingerprints erased")]


class Listings(Resource):
    """A page of listings."""

    items: list[Listing]
    next: str | None


@api.post("/v1/listings", responses=WRITTEN, openapi_extensions=asks("listing.create", sealed="listing"))
def create(body: SealedBody) -> flask.Response:
    """Offer data for sale: the sealed application, compared with everything registered (step (5))."""
    deadline = time.monotonic() + wait_s()
    try:
        registered = platform().registration.register(body.sealed.model_dump())
    except PartsMissingError as error:
        raise ProblemError(error, missing=list(error.missing)) from error
    except GateRefusedError as refusal:
        if refusal.existing:
            raise ProblemError(refusal, case=refusal.case_number, listing=refusal.existing) from refusal
        raise ProblemError(refusal, case=refusal.case_number) from refusal
    return answer(gateway().writes.outcome(registered.entry, deadline))


@api.get("/v1/listings", responses={200: Listings}, security=SIGNED_OR_NOT)
def browse(query: ListingsQuery) -> flask.Response:
    """Browse descriptions and prices; whoever signs sees his own contracts before their fee is paid too."""
    filters = Filters(
        state="" if query.state == "any" else query.state,
        owner=accounts.parse_address(query.owner) if query.owner else "",
        max_price=query.max_price,
        words=query.q,
    )
    viewer = account_or_nobody()
    page = services().catalogue.browse(filters, cursor=query.cursor, limit=query.limit, viewer=viewer)
    config = _config()
    return collection((resource(view, config) for view in page.listings), page.cursor)


@api.get("/v1/listings/<listing>", responses={200: Listing}, security=SIGNED_OR_NOT)
def show(path: ListingPath) -> flask.Response:
    """Return one contract; before its fee is paid to its seller only."""
    view = services().catalogue.show(path.listing, viewer=account_or_nobody())
    shown, passing = flask.jsonify(resource(view, _config())), gateway().passing
    # The description of what is not public yet, or has only just become so, is the platform's to tell.
    told = view.description is not None or view.erased
    return shown if passing is None or told else passing.pass_on(otherwise=shown)


@api.get("/v1/listings/<listing>/registration", responses={200: LedgerIntent}, security=SIGNED_OR_NOT)
def registration(path: ListingPath) -> flask.Response:
    """Return the intent with which a contract was made, from the ledger: its address derives from it."""
    view = services().catalogue.show(path.listing, viewer=account_or_nobody())
    return ledger_intent(view.created_block, view.created_tx)


@api.post("/v1/listings/<listing>/charge", responses=WRITTEN, openapi_extensions=asks("listing.charge"))
def charge(path: ListingPath, body: IntentBody) -> flask.Response:
    """Pay the management fee."""
    return _change(path, body, "listing.charge")


@api.post("/v1/listings/<listing>/offers", responses=WRITTEN, openapi_extensions=asks("listing.offer"))
def offer(path: ListingPath, body: IntentBody) -> flask.Response:
    """Replace the offer by a new version."""
    return _change(path, body, "listing.offer")


@api.post("/v1/listings/<listing>/withdraw", responses=WRITTEN, openapi_extensions=asks("listing.withdraw"))
def withdraw(path: ListingPath, body: IntentBody) -> flask.Response:
    """Take the listing off the market."""
    return _change(path, body, "listing.withdraw")


@api.post("/v1/listings/<listing>/relist", responses=WRITTEN, openapi_extensions=asks("listing.relist"))
def relist(path: ListingPath, body: IntentBody) -> flask.Response:
    """Put an owned listing on the market again."""
    return _change(path, body, "listing.relist")


@api.post("/v1/listings/<listing>/erase", responses=WRITTEN, openapi_extensions=asks("listing.erase"))
def erase(path: ListingPath, body: IntentBody) -> flask.Response:
    """Erase description and fingerprints of a listing that is off the market, for good.

    What stays are the commitments and the keyed digest of its exact bytes: nobody else registers these, but an edited
    copy is no longer known. Refused under a legal hold, or while somebody claims it.
    """
    return _change(path, body, "listing.erase")


def resource(view: ListingView, config: MarketConfig) -> dict[str, Any]:
    """Return the resource of ``view``."""
    record = view.record
    return {
        "address": view.address,
        "owner": view.owner,
        "seller": view.seller,
        "state": view.state,
        "offer": record["offer"],
        "fee": str(money.fee(view.price, config.transaction_bps)),
        "bond": str(config.bond),
        "management_fee": record["management_fee"],
        "description": None if view.description is None else view.description.to_json(),
        "salt_d": None if view.salt_d is None else b64u(view.salt_d),
        "c_d": record["c_d"],
        "c_f": record["c_f"],
        "c_exact": record["c_exact"],
        "claimed": record["claimed"],
        "items": record["items"],
        "generator": record["generator"],
        "created_at": record["created_at"],
        "held": view.held,
        "erased": view.erased,
    }


def _change(path: ListingPath, body: IntentBody, action: str) -> flask.Response:
    writes = gateway().writes
    intent = writes.parse(body.intent, action, listing=path.listing)
    # Whoever may not see it is told that there is none.
    services().catalogue.show(path.listing, viewer=intent.signer)
    return answer(writes.ask(intent, wait_s=wait_s()))


def _config() -> MarketConfig:
    with services().database.autocommit() as connection:
        return load_market(connection)
