"""What the routes share: blueprints, strict bodies, who asks, and the services of the running application."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import flask
from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from werkzeug.exceptions import RequestEntityTooLarge

from countermark.gateway import prefer, problems, refusals
from countermark.gateway.catching_up import CatchingUp
from countermark.gateway.events import EventStreams
from countermark.gateway.member.passing import LONGEST_BODY, Passing
from countermark.gateway.metrics.requests import RequestFigures
from countermark.gateway.readiness import Watch
from countermark.gateway.schemas import Transaction
from countermark.gateway.services import PlatformServices, Services
from countermark.gateway.signatures import BodyDigest, Signatures, SignedMessage, Signer
from countermark.gateway.writes import Outcome, Writes
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError

EXTENSION = "countermark"

SIGNED: list[dict[str, list[Any]]] = [{"signature": [], "signature_input": []}]
"""Security of an operation that takes a signature of an account."""

SIGNED_OR_NOT: list[dict[str, list[Any]]] = [*SIGNED, {}]

# The library types responses narrower than it takes them.
WRITTEN: Any = {200: Transaction, 202: Transaction}
"""Answers of an operation that writes to the ledger."""


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


def blueprint(noun: str, description: str) -> APIBlueprint:
    """Return the blueprint of the routes of ``noun``; an operation is known by it and the name of its function."""
    return APIBlueprint(
        noun, __name__, abp_tags=[Tag(name=noun, description=description)], operation_id_callback=_operation_id
    )


def _operation_id(*, bp_name: str, name: str, path: str, method: str) -> str:
    return f"{bp_name}_{name}"


def asks(intent: str = "", *, sealed: str = "") -> dict[str, Any]:
    """Return what an operation's description says of the action of its intent and of the kind of sealed message."""
    members = {refusals.INTENT: intent, refusals.SEALED: sealed}
    return {name: value for name, value in members.items() if value}


@dataclass(frozen=True)
class Gateway:
    """What serves the requests of one application."""

    services: Services
    signatures: Signatures
    writes: Writes
    streams: EventStreams
    requests: RequestFigures
    readiness: Watch
    catching_up: CatchingUp
    passing: Passing | None = None
    """How requests go on to the platform; the platform itself has none."""


def gateway() -> Gateway:
    """Return what serves the running application."""
    return cast(Gateway, current_app.extensions[EXTENSION])


def services() -> Services:
    """Return the services of the running application, whoever's gateway it is."""
    return gateway().services


def platform() -> PlatformServices:
    """Return the platform's services; a member's gateway has passed on whatever needs them."""
    found = gateway().services
    assert isinstance(found, PlatformServices)
    return found


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
    passed_on = present.endpoint in LONGEST_BODY
    return gateway().signatures.verify(message, has_body=present.has_body, passed_on=passed_on)


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


def ledger_intent(number: int, txid: str) -> flask.Response:
    """Return the intent in the transaction ``txid`` of the block ``number``, read from the ledger itself.

    Raises:
        MarketError: LEDGER_UNAVAILABLE.
    """
    for transaction in services().chain.block(number).transactions:
        if transaction.tx_id == txid:
            return flask.jsonify({"intent": transaction.args[0].decode(), "txid": txid, "block": number})
    raise MarketError(ErrorCode.LEDGER_UNAVAILABLE, "the peer has another block under that number")


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
