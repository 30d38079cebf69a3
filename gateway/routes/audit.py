"""/v1/audit: what the ledger has recorded, and what was tried at the gate, for the supervisor."""

from typing import Annotated, Any

import flask
from pydantic import BaseModel, Field

from countermark.gateway.api import SIGNED, account, blueprint, link_next, platform, services
from countermark.gateway.formats import Time, TransactionId
from countermark.gateway.refusals import refusals
from countermark.gateway.schemas import PageQuery, Resource, Sealed
from countermark.platform.contracts.market import load_market
from countermark.platform.matching.reporting import load_series, to_json
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import seal

api = blueprint("audit", "The ledger's records, for the supervisor")


PROBES = "probes"
"""Kind of the sealed message that carries the report of series."""


class SubjectPath(BaseModel):
    """What to look at."""

    subject: Annotated[str, Field(description="id or address of what is asked about")]


class Change(Resource):
    """A change of the record, the newest first."""

    tx: TransactionId
    at: Time


class Record(Resource):
    """A record of the ledger with its changes, as the contracts answer it."""

    history: list[Change]


_RESPONSES: Any = {200: Record, **refusals(403, 409)}


@api.get("/v1/audit/trades/<subject>", responses=_RESPONSES, security=SIGNED)
def trade(path: SubjectPath) -> flask.Response:
    """Return a trade's record."""
    return _show("audit.trade", path.subject)


@api.get("/v1/audit/listings/<subject>", responses=_RESPONSES, security=SIGNED)
def listing(path: SubjectPath) -> flask.Response:
    """Return a contract's record."""
    return _show("audit.listing", path.subject)


@api.get("/v1/audit/claims/<subject>", responses=_RESPONSES, security=SIGNED)
def claim(path: SubjectPath) -> flask.Response:
    """Return a claim's record."""
    return _show("audit.claim", path.subject)


@api.get("/v1/audit/accounts/<subject>", responses=_RESPONSES, security=SIGNED)
def account_record(path: SubjectPath) -> flask.Response:
    """Return an account's record."""
    return _show("audit.account", path.subject)


class Probes(Resource):
    """A page of series of attempts, sealed to the supervisor's account."""

    sealed: Sealed
    next: str | None


_SUPERVISOR_ONLY: Any = {200: Probes, **refusals(403)}


@api.get("/v1/audit/probes", responses=_SUPERVISOR_ONLY, security=SIGNED)
def probes(query: PageQuery) -> flask.Response:
    """Return the series of attempts at others' registrations, the newest first, sealed to the supervisor's account.

    The sealed message of kind `probes` holds `{"series": [...]}`, each with its accounts and their sponsor, the
    registration and its owner, how many attempts there were from when to when, their scores in order, and whether an
    application among them was held back for review, or has passed.
    """
    require_supervisor(account())
    with services().database.autocommit() as connection:
        page = load_series(connection, platform().probes, cursor=query.cursor, limit=query.limit)
        key = load_market(connection).supervisor.encryption_key
    document = canonical.dumps({"series": [to_json(one) for one in page.series]})
    sealed = seal(key.key, document, kind=PROBES, market=services().site.market, key_version=key.version)
    return link_next(flask.jsonify({"sealed": sealed, "next": page.cursor or None}), page.cursor)


def _show(function: str, subject: str) -> flask.Response:
    require_supervisor(account())
    # Asked of the ledger itself: the supervisor does not have to trust this platform's tables.
    return flask.jsonify(canonical.loads(services().chain.evaluate(function, [subject.encode()])))


def require_supervisor(address: str) -> None:
    """Check that ``address`` is the account of the market's supervisor.

    Raises:
        MarketError: NOT_PERMITTED.
    """
    with services().database.autocommit() as connection:
        supervisor = load_market(connection).supervisor.account
    if address != supervisor:
        raise MarketError(ErrorCode.NOT_PERMITTED, "this is for the market's supervisor")
