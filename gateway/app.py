"""The Flask application: routes, OpenAPI 3.1 from them, problem documents for all errors, a log line per request."""

import logging
import time
from typing import Any

import flask
import structlog
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from flask_openapi3_swagger.plugins import RegisterPlugin
from pydantic import ValidationError
from structlog.contextvars import clear_contextvars
from werkzeug.exceptions import HTTPException

from countermark.gateway import api, description, problems
from countermark.gateway.catching_up import HEIGHT, CatchingUp
from countermark.gateway.events import EventStreams
from countermark.gateway.member.passing import ASKED_FIRST, LONGEST_BODY, Passing
from countermark.gateway.member.services import MemberServices
from countermark.gateway.metrics.requests import RequestFigures
from countermark.gateway.problems import ProblemError
from countermark.gateway.readiness import Watch
from countermark.gateway.routes import BLUEPRINTS
from countermark.gateway.schemas import Problem
from countermark.gateway.services import PlatformServices, Services
from countermark.gateway.signatures import Signatures
from countermark.gateway.tracebacks import places
from countermark.gateway.writes import Writes
from countermark.platform.observing.about import now_about
from countermark.platform.ports import OutcomeUnknownError, RefusedError, UnavailableError
from countermark.protocol.errors import ErrorCode, MarketError

_log = structlog.stdlib.get_logger("countermark.gateway")

BODY_BYTES = 256 << 10
"""Longest body, where a route says nothing else."""

BODY_BYTES_OF = {
    "listings.create": 32 << 20,
    "fingerprints.upload": LONGEST_BODY["fingerprints.upload"],
    "searches.search": 4 << 20,
    "searches.trace": 4 << 20,
    "claims.create": LONGEST_BODY["claims.create"],
    "claims.give_answer": LONGEST_BODY["claims.give_answer"],
}
"""Longest bodies of routes whose sealed messages hold fingerprints, or evidence."""

_READS = frozenset({"GET", "HEAD", "OPTIONS"})

_CODES_OF_STATUS = {404: ErrorCode.NOT_FOUND, 413: ErrorCode.TOO_LARGE, 429: ErrorCode.RATE_LIMITED}
"""Codes for what Flask refuses by itself; everything else below 500 is a malformed request."""


def create_app(services: Services) -> OpenAPI:
    """Return the application over ``services``; it connects to nothing before the first request."""
    app = _routed()
    # An upload's own route raises its limit; whatever is not read by a route is not read at all.
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    app.url_map.strict_slashes = False
    streams = EventStreams(database=services.database, bell=services.bell, most=max(services.site.threads // 2, 1))
    forwards = services.site.forwards if isinstance(services, PlatformServices) else ()
    writes, passing = Writes(services), None
    if isinstance(services, MemberServices):
        passing = Passing(services.upstream, writes, services.database)
    app.extensions[api.EXTENSION] = api.Gateway(
        services=services,
        signatures=Signatures(database=services.database, hosts=services.site.hosts, forwards=forwards),
        writes=writes,
        streams=streams,
        requests=RequestFigures(services.metrics, streams),
        readiness=Watch(services),
        catching_up=CatchingUp(services.bell, most=max(services.site.threads // 4, 1)),
        passing=passing,
    )
    _document(app)
    _observe(app, services)
    _pass_on(app)
    _handle_errors(app)
    return app


def describe() -> dict[str, Any]:
    """Return the OpenAPI document of the API, which is the same over whatever services."""
    return _routed().api_doc


class _App(OpenAPI):
    request_class = api.Request

    def generate_spec_json(self) -> None:
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # the library's
        self.spec_json = description.complete(self.spec_json)


def _routed() -> OpenAPI:
    app = _App(
        "countermark.gateway",
        info=Info(title="Countermark", version="1", description=description.TEXT),
        security_schemes=description.SECURITY_SCHEMES,
        validation_error_status=400,
        validation_error_model=Problem,
        validation_error_callback=_refuse_body,
        doc_ui=False,
        static_folder=None,
    )
    for blueprint in BLUEPRINTS:
        app.register_api(blueprint)
    return app


def _document(app: OpenAPI) -> None:
    """Serve the description of the API, and a page to try it; all assets come from the installed package."""
    app.config["SWAGGER_CONFIG"] = {"validatorUrl": None}  # no badge from a service elsewhere
    app.register_blueprint(RegisterPlugin.register(doc_url="../openapi.json"), url_prefix="/docs")
    app.add_url_rule("/openapi.json", "openapi", lambda: flask.jsonify(app.api_doc))
    app.add_url_rule("/docs", "docs", lambda: flask.redirect("/docs/swagger"))


def _observe(app: OpenAPI, services: Services) -> None:
    @app.before_request
    def begin() -> None:
        flask.g.started = time.monotonic()
        clear_contextvars()
        named = flask.request.view_args or {}
        now_about(txid=named.get("txid", ""), trade=named.get("trade", named.get("subject", "")))
        endpoint = flask.request.endpoint or ""
        if endpoint in BODY_BYTES_OF:
            flask.request.max_content_length = BODY_BYTES_OF[endpoint]
        if flask.request.method not in _READS:
            services.address_limit.spend(flask.request.remote_addr or "")
        # PostgreSQL has no text with this character, and no id or cursor of ours has it.
        if "\0" in flask.request.path or any(
            "\0" in part for pair in flask.request.args.items(True) for part in pair
        ):
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "no name holds the character NUL")

    @app.after_request
    def end(response: flask.Response) -> flask.Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        if "Signature-Input" in flask.request.headers:
            response.headers.setdefault("Cache-Control", "no-store")
        seconds = time.monotonic() - flask.g.started
        # The rule, never the path: an address in a log links a trader's requests.
        rule = flask.request.url_rule
        route = rule.rule if rule else "none"
        api.gateway().requests.count(flask.request.method, route, response.status_code, seconds)
        _log.info(
            "request",
            method=flask.request.method,
            route=route,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        # The thread goes on to other work, which this request has no part in.
        clear_contextvars()


def _pass_on(app: OpenAPI) -> None:
    """Let requests go on to the platform that only that can serve, before anything of them is read."""

    @app.before_request
    def pass_on() -> flask.Response | None:
        passing, endpoint = api.gateway().passing, flask.request.endpoint or ""
        if passing is None and endpoint in LONGEST_BODY:
            api.gateway().catching_up.wait(flask.request.headers.get(HEIGHT, ""))
        if passing is None or endpoint not in LONGEST_BODY or endpoint in ASKED_FIRST:
            return None
        api.body_limit(LONGEST_BODY[endpoint])
        return passing.pass_on()


def _handle_errors(app: OpenAPI) -> None:
    @app.errorhandler(MarketError)
    def refused(error: MarketError) -> flask.Response:
        return _respond(error)

    @app.errorhandler(RefusedError)
    def refused_by_ledger(error: RefusedError) -> flask.Response:
        now_about(txid=error.tx_id)
        return _respond(ProblemError(error.error, txid=error.tx_id))

    @app.errorhandler(UnavailableError)
    def ledger_away(error: UnavailableError) -> flask.Response:
        now_about(txid=error.tx_id)
        _log.warning("ledger away", detail=error.detail)
        return _respond(MarketError(error.code))

    @app.errorhandler(OutcomeUnknownError)
    def unknown(error: OutcomeUnknownError) -> flask.Response:
        now_about(txid=error.tx_id)
        return _respond(ProblemError(MarketError(ErrorCode.OUTCOME_UNKNOWN), txid=error.tx_id))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> flask.Response | HTTPException:
        status = error.code or 500
        if status < 400:
            return error  # a redirect is no failure
        if status >= 500:
            return _respond(MarketError(ErrorCode.INTERNAL))
        code = _CODES_OF_STATUS.get(status, ErrorCode.MALFORMED_REQUEST)
        response = _respond(MarketError(code), status=status, title=error.name)
        if isinstance(error.get_headers(), list):
            response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
        return response

    @app.errorhandler(Exception)
    def mistake(error: Exception) -> flask.Response:
        # The outermost boundary of a request. The text of an unforeseen error may quote what it choked on, so only
        # its type and where it was raised are logged.
        _log.error("mistake", error=type(error).__name__, at=places(error))
        return _respond(MarketError(ErrorCode.INTERNAL))


def _respond(error: MarketError, *, status: int | None = None, title: str = "") -> flask.Response:
    document = problems.document(error, status=status, title=title)
    if document["status"] >= 500:
        logging.getLogger(__name__).warning("answered %s %s", document["status"], document["code"])
    response = flask.jsonify(document)
    response.status_code = document["status"]
    response.content_type = problems.CONTENT_TYPE
    response.headers.update(problems.headers(error))
    return response


def _refuse_body(error: ValidationError) -> flask.Response:
    """Return the problem of a body, query or path that is not of the documented form; it quotes nothing of it."""
    found = [
        {"pointer": "".join(f"/{part}" for part in one["loc"]), "detail": one["msg"]}
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return _respond(ProblemError(MarketError(ErrorCode.MALFORMED_REQUEST), errors=found))
