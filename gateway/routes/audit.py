"""/v1/audit: what the ledger has recorded, for the supervisor."""

from typing import Annotated, Any

import flask
from pydantic import BaseModel, Field

from countermark.gateway.api import SIGNED, account, blueprint, services
from countermark.gateway.formats import Time, TransactionId
from countermark.gateway.refusals import refusals
from countermark.gateway.schemas import Resource
from countermark.platform.contracts.market import load_market
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("audit", "The ledger's records, for the supervisor")


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


@api.get("/v1/audit/accounts/<subject>", responses=_RESPONSES, security=SIGNED)
def account_record(path: SubjectPath) -> flask.Response:
    """Return an account's record."""
    return _show("audit.account", path.subject)


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
