"""/v1/searches: find data that resembles a sample (steps (9-2) and (10))."""

import flask

from countermark.gateway.api import asks, blueprint, platform
from countermark.gateway.schemas import Resource, Sealed, SealedBody

api = blueprint("searches", "Search by sample")


class Answer(Resource):
    """Addresses of contracts, best first, sealed to the searcher's account."""

    sealed: Sealed


@api.post("/v1/searches", responses={200: Answer}, openapi_extensions=asks(sealed="search"))
def search(body: SealedBody) -> flask.Response:
    """Search by the sealed fingerprint of a sample; the searcher alone can read the answer."""
    return flask.jsonify({"sealed": platform().search.answer(body.sealed.model_dump())})
