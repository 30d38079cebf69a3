"""What the routes share: blueprints, strict bodies, who asks, and the services of the running application."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, cast
from urllib.parse import urlencode

import flask
from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import RequestEntityTooLarge

from countermark.gateway import prefer, problems
from countermark.gateway.events import EventStreams
from countermark.gateway.metrics import Metrics
from countermark.gateway.readiness import Watch
from countermark.gateway.services import Services
from countermark.gateway.signatures import BodyDigest, Signatures, SignedMessage, Signer
from countermark.gateway.writes import Outcome, Writes
from countermark.platform.views import cursors
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError

EXTENSION = "countermark"
TOKEN_CHARACTERS = 65_536

SIGNED: list[dict[str, list[Any]]] = [{"signature": []}]
"""Security of an operation that takes a signature of an account."""

SIGNED_OR_NOT: list[dict[str, list[Any]]] = [{"signature": []}, {}]


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

    intent: Annotated[str, Field(max_length=TOKEN_CHARACTERS)]


class Sealed(Body):
    """A message sealed to the platform's key of the market configuration."""

    v: int
    kind: str
    key_version: int
    ciphertext: str


class SealedBody(Body):
    """A sealed message."""

    sealed: Sealed


class SealedIntentBody(IntentBody):
    """An intent with the sealed message whose digest it carries."""

    sealed: Sealed


class PageQuery(Query):
    """Which page of a collection."""

    cursor: Annotated[str, Field(max_length=512, description="`next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=cursors.LONGEST_PAGE)] = cursors.LONGEST_PAGE


class Transaction(Resource):
    """A transaction on the ledger, as far as it has come."""

    txid: str
    state: str = Field(description="`pending`, `committed`, `refused`, `invalid` or `unknown`")
    function: str
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class Problem(Resource):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retryable: bool
    txid: str = ""
    errors: list[dict[str, str]] = Field(default_factory=list)


class Request(flask.Request):
    """A request whose JSON is parsed strictly: no duplicate member, no float, an object at the top."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the object in the body.

        Raises:
            MarketError: MALFORMED_REQUEST, whatever ``silent`` says.
        """
        if not (force or self.is_json):
            error = MarketError(ErrorCode.MALFORMED_REQUEST, "Content-Type must be application/json")
            raise problems.ProblemError(error, status=415)
        value = canonical.loads(self.get_data(cache=cache), canonical=False)
        if not isinstance(value, dict):
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "a JSON object is expected")
        return value

    @property
    def has_body(self) -> bool:
        """Whether bytes follow the headers."""
        return bool(self.content_length) or "Transfer-Encoding" in self.headers


_REFUSALS = {
    400: "Malformed",
    401: "Not signed, or not well",
    403: "Not permitted",
    404: "Not there, or not yours",
    405: "No such method",
    409: "Not possible now",
    413: "Too large",
    415: "Not JSON",
    429: "Too many requests",
    500: "A mistake of this system",
    502: "The organisations do not agree",
    503: "A part is away, or busy",
    504: "The outcome is not known yet",
}


_RETRY_AFTER = {"Retry-After": {"description": "Seconds until it may be asked again", "schema": {"type": "integer"}}}
_LIMITS = {
    "RateLimit-Policy": {"description": "The limit: quota q in a window of w seconds", "schema": {"type": "string"}},
    "RateLimit": {"description": "What is left of it: r for the next t seconds", "schema": {"type": "string"}},
}
_HEADERS_OF: dict[int, dict[str, Any]] = {429: {**_RETRY_AFTER, **_LIMITS}, 503: _RETRY_AFTER}


def problem_response(description: str, *, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the documentation of an answer that is a problem document; ``headers`` may come with it."""
    content = {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content, **({"headers": headers} if headers else {})}


def blueprint(noun: str, description: str) -> APIBlueprint:
    """Return the blueprint of the routes of ``noun``; every operation documents the problems it may answer with."""
    responses = {
        status: problem_response(text, headers=_HEADERS_OF.get(status)) for status, text in _REFUSALS.items()
    }
    tag = Tag(name=noun, description=description)
    # The library types responses narrower than it takes them.
    return APIBlueprint(noun, __name__, abp_tags=[tag], abp_responses=cast(Any, responses))


@dataclass(frozen=True)
class Gateway:
    """What serves the requests of one application."""

    services: Services
    signatures: Signatures
    writes: Writes
    streams: EventStreams
    metrics: Metrics
    readiness: Watch


def gateway() -> Gateway:
    """Return what serves the running application."""
    return cast(Gateway, current_app.extensions[EXTENSION])


def services() -> Services:
    """Return the platform's services of the running application."""
    return gateway().services


def request() -> Request:
    """Return the present request, typed as what it is."""
    return cast(Request, flask.request)


def wait_s() -> int:
    """Return how many seconds the client wants to wait for an outcome."""
    return prefer.wait_s(flask.request.headers.get("Prefer"))


def signature(*, required: bool = True) -> Signer | None:
    """Return who signed the present request, its body not yet compared; None where nobody need sign and has.

    Raises:
        MarketError: SIGNATURE_REQUIRED, BAD_SIGNATURE, DATABASE_UNAVAILABLE.
    """
    present = request()
    if not required and "Signature-Input" not in present.headers:
        return None
    message = SignedMessage(
        method=present.method,
        authority=present.environ.get("HTTP_HOST", ""),
        # As it came over the wire: what WSGI has decoded cannot be encoded back for certain.
        target=present.environ.get("RAW_URI", ""),
        headers=dict(present.headers),
    )
    return gateway().signatures.verify(message, has_body=present.has_body)


def account() -> str:
    """Return the address of the account that signed the present request.

    Raises:
        MarketError: SIGNATURE_REQUIRED, BAD_SIGNATURE, DATABASE_UNAVAILABLE.
    """
    signer = signature()
    assert signer is not None
    return _checked(signer)


def account_or_nobody() -> str:
    """Return the address of the account that signed the present request, "" where nobody has.

    Raises:
        MarketError: BAD_SIGNATURE, DATABASE_UNAVAILABLE.
    """
    signer = signature(required=False)
    return "" if signer is None else _checked(signer)


def _checked(signer: Signer) -> str:
    if request().has_body:
        digest = BodyDigest(signer)
        for _ in digest.passing([request().get_data()]):
            pass
        digest.check()
    return signer.account


def collection(items: Iterable[Any], cursor: str) -> flask.Response:
    """Return a page of a collection, with a link to the next one."""
    return link_next(flask.jsonify({"items": list(items), "next": cursor or None}), cursor)


def link_next(response: flask.Response, cursor: str) -> flask.Response:
    """Return ``response`` with a link to the page that begins at ``cursor``, if there is one (RFC 8288)."""
    if cursor:
        query = urlencode({**flask.request.args.to_dict(), "cursor": cursor})
        response.headers["Link"] = f'<{flask.request.path}?{query}>; rel="next"'
    return response


class LedgerIntent(Resource):
    """An intent as it stands on the ledger (compact JWS), with its transaction and block."""

    intent: str
    txid: str
    block: int


def ledger_intent(number: int, txid: str) -> flask.Response:
    """Return the intent in the transaction ``txid`` of the block ``number``, read from the ledger itself.

    Raises:
        MarketError: LEDGER_UNAVAILABLE.
    """
    for block in services().chain.blocks(number, stop=number):
        for transaction in block.transactions:
            if transaction.tx_id == txid:
                return flask.jsonify({"intent": transaction.args[0].decode(), "txid": txid, "block": number})
    raise MarketError(ErrorCode.LEDGER_UNAVAILABLE, "the peer does not hold that block yet")


def body_limit(limit: int) -> None:
    """Refuse a body of more than ``limit`` bytes.

    Raises:
        RequestEntityTooLarge: the body says that it is longer; one that says nothing is cut while it is read.
    """
    flask.request.max_content_length = limit
    if (flask.request.content_length or 0) > limit:
        raise RequestEntityTooLarge


def answer(outcome: Outcome) -> flask.Response:
    """Return the response that tells ``outcome``: 200 with the resource, or 202 and where to ask for it."""
    response = flask.jsonify(outcome.resource)
    response.status_code = outcome.status
    response.headers.update(outcome.headers)
    return response


def perform(token: str, action: str, **named: str) -> flask.Response:
    """Bring the intent of ``token`` for ``action`` to the ledger; ``named`` parameters must be what the path says.

    Raises:
        MarketError: a code of `Writes.parse` or `Writes.ask`.
    """
    writes = gateway().writes
    return answer(writes.ask(writes.parse(token, action, **named), wait_s=wait_s()))
