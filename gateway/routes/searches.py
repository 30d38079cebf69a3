"""/v1/searches and /v1/traces: find what is on the market by a sample (9-2), (10); find whose a thing is."""

from typing import Any

import flask

from countermark.gateway.api import asks, blueprint, platform
from countermark.gateway.refusals import refusals
from countermark.gateway.schemas import Resource, Sealed, SealedBody

api = blueprint("searches", "Search and trace by sample")


class Answer(Resource):
    """What was found, best first, sealed to the asker's account."""

    sealed: Sealed


_RESPONSES: Any = {200: Answer, **refusals(402)}


@api.post("/v1/searches", responses=_RESPONSES, openapi_extensions=asks(sealed="search"))
def search(body: SealedBody) -> flask.Response:
    """Search by the sealed fingerprint of a sample; the searcher alone can read the answer.

    So many in a while are free (`search` of `/v1/market`). More are answered if they name a `payment`.
    """
    return flask.jsonify({"sealed": platform().search.answer(body.sealed.model_dump())})


@api.post("/v1/traces", responses=_RESPONSES, openapi_extensions=asks(sealed="trace"))
def trace(body: SealedBody) -> flask.Response:
    """Tell which contracts are bound to what a sample is a copy of, since when, and through which sales.

    Searches and traces are counted, and paid for, together.
    """
    return flask.jsonify({"sealed": platform().tracing.answer(body.sealed.model_dump())})
