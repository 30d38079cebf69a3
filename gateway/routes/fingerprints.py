"""/v1/fingerprints: parts of the fingerprints of a large collection, sent before the application that names them."""

from typing import Annotated, Any

import flask
from pydantic import BaseModel, Field

from countermark.gateway.api import SIGNED, account, asks, blueprint, platform
from countermark.gateway.formats import Digest, Time
from countermark.gateway.refusals import refusals
from countermark.gateway.schemas import Resource, SealedBody
from countermark.platform.contracts.parts import Kept
from countermark.protocol import parts, times
from countermark.protocol.encoding import undigest
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("fingerprints", "Sealed fingerprints on their way to the platform")


class PartPath(BaseModel):
    """A part, by its digest."""

    digest: Annotated[str, Field(description="`sha256:…` of the canonical JSON of the sealed message")]


class Part(Resource):
    """A part that waits for its application."""

    digest: Digest
    size: Annotated[int, Field(ge=1, description="bytes of the sealed message as canonical JSON")]
    kept_until: Annotated[Time, Field(description="it goes then, or when an application that names it is decided on")]


@api.put(
    "/v1/fingerprints/<digest>",
    responses={200: Part, 201: Part, **refusals(409)},
    security=SIGNED,
    openapi_extensions=asks(sealed=parts.KIND),
)
def upload(path: PartPath, body: SealedBody) -> tuple[flask.Response, int]:
    """Keep a part of the signer's: 201; one that is here already waits a day longer: 200."""
    kept = platform().parts.keep(account(), _digest(path), body.sealed.model_dump())
    return flask.jsonify(_resource(kept)), 201 if kept.fresh else 200


@api.get("/v1/fingerprints/<digest>", responses={200: Part}, security=SIGNED)
def show(path: PartPath) -> flask.Response:
    """Tell whether a part of the signer's is here, so that an upload that broke off sends only what is missing."""
    return flask.jsonify(_resource(platform().parts.find(account(), _digest(path))))


def _digest(path: PartPath) -> str:
    try:
        undigest(path.digest)
    except MarketError as error:
        raise MarketError(ErrorCode.NOT_FOUND, "no part has such a name") from error
    return path.digest


def _resource(kept: Kept) -> dict[str, Any]:
    return {"digest": kept.digest, "size": kept.size, "kept_until": times.to_text(kept.until_ms)}
