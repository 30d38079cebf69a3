"""/v1/trades/{id}/package: encrypted data in and out, in pieces, in constant memory (steps (14) and (15)).

The second package of a disputed trade, /v1/trades/{id}/remedy/package, comes and goes in the same way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Annotated, Any

import flask
from pydantic import BaseModel, Field

from countermark.gateway import description, problems, ranges
from countermark.gateway.api import SIGNED, account, blueprint, body_limit, platform, request, services, signature
from countermark.gateway.formats import TradeId
from countermark.gateway.problems import ProblemError
from countermark.gateway.refusals import refusals
from countermark.gateway.routes.trades import TradePath
from countermark.gateway.schemas import Resource
from countermark.gateway.signatures import BodyDigest
from countermark.gateway.spooling import spooled
from countermark.platform.relay.upload import UploadStatus
from countermark.platform.store import channels
from countermark.platform.trades import Delivery, load_trade
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("packages", "Encrypted data on its way from seller to buyer")

LONGEST_PIECE = 256 << 20
"""Most bytes of one PUT; a package of any size comes in several."""

_CHUNK = 256 << 10


class Upload(Resource):
    """How much of a package is here; sizes in bytes."""

    trade: TradeId
    size: Annotated[int, Field(ge=1)]
    received: Annotated[int, Field(ge=0)]
    complete: bool


class PartHeader(BaseModel):
    """Where the bytes of an upload stand in the package."""

    content_range: Annotated[
        str,
        Field(
            alias="Content-Range",
            pattern="^bytes [0-9]{1,15}-[0-9]{1,15}/[0-9]{1,15}$",
            description="`bytes first-last/total`",
            json_schema_extra={"example": "bytes 0-1023/4096"},
        ),
    ]


class RangeHeader(BaseModel):
    """Which bytes to download."""

    range: Annotated[
        str,
        Field(
            alias="Range",
            description="one range of bytes (RFC 9110, section 14); anything else is ignored",
            json_schema_extra={"example": "bytes=1024-"},
        ),
    ] = ""


_CONTENT = {
    "application/octet-stream": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
}

_STRING = {"schema": {"type": "string"}, "required": True}
_WHOLE = {
    "Accept-Ranges": {"schema": {"const": "bytes"}, "required": True},
    "ETag": {"description": "The package's root", **_STRING},
}
_UPLOADS: Any = {200: Upload, 201: Upload, **refusals(403, 409)}
_BODY = {"requestBody": {"required": True, "content": _CONTENT}}
_DOWNLOADS: Any = {
    200: {"description": "The package", "headers": _WHOLE, "content": _CONTENT},
    206: {"description": "A part of it", "headers": {**_WHOLE, "Content-Range": _STRING}, "content": _CONTENT},
    **refusals(403, 409, 416),
}
_OFFSET = {"schema": {"type": "string", "pattern": "^[0-9]+$"}}
_TELL = {
    "summary": "Tell how much of the package is here.",
    "description": "To the seller in `Upload-Offset` and `Upload-Length`, to the buyer in `Content-Length`.",
    "responses": {
        "200": {
            "description": "How much is here",
            "headers": {
                "Upload-Offset": {"description": "Bytes that have arrived", **_OFFSET},
                "Upload-Length": {"description": "Bytes of the whole, once the first have arrived", **_OFFSET},
            },
        }
    },
}


@api.put("/v1/trades/<trade>/package", responses=_UPLOADS, security=SIGNED, openapi_extensions=_BODY)
def upload(path: TradePath, header: PartHeader) -> tuple[flask.Response, int]:
    """Upload a part of the package, from the offset on that HEAD tells: `Content-Range: bytes first-last/total`.

    The last part completes it: 201. A wrong offset is refused with `received`, the offset to go on from.
    """
    return _upload(path.trade, header, Delivery.FIRST)


@api.put("/v1/trades/<trade>/remedy/package", responses=_UPLOADS, security=SIGNED, openapi_extensions=_BODY)
def upload_remedy(path: TradePath, header: PartHeader) -> tuple[flask.Response, int]:
    """Upload a part of the remedy's package, as one of the first package: `Content-Range: bytes first-last/total`."""
    return _upload(path.trade, header, Delivery.REMEDY)


def _upload(trade: str, header: PartHeader, delivery: Delivery) -> tuple[flask.Response, int]:
    body_limit(LONGEST_PIECE)
    part = ranges.parse_content_range(header.content_range)
    if request().content_length not in (None, part.stop - part.start):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "Content-Range and Content-Length differ")
    signer = signature()
    assert signer is not None
    # Nobody fills the disk with bytes that are not wanted: everything but the bytes themselves is looked at first.
    wanted: Any = {"account": signer.account, "delivery": delivery, "start": part.start, "total": part.total}
    with _telling_offset(trade, signer.account, delivery):
        platform().upload.check(trade, **wanted)
    digest = BodyDigest(signer)
    # A piece counts only once its signed digest was compared, so it waits in a file without a name.
    body = digest.passing(_pieces(request().stream))
    with spooled(platform().site.spool, body, part.stop - part.start) as spool:
        digest.check()
        with _telling_offset(trade, signer.account, delivery):
            status = platform().upload.receive(trade, **wanted, data=_pieces(spool))
    if status.complete:
        with services().database.autocommit() as connection:
            channels.notify(connection, channels.WORK, trade)
    return flask.jsonify(_resource(status)), 201 if status.complete else 200


@api.get(
    "/v1/trades/<trade>/package", responses=_DOWNLOADS, security=SIGNED, openapi_extensions={description.HEAD: _TELL}
)
def download(path: TradePath, header: RangeHeader) -> flask.Response:
    """Return the package, or the part that `Range` names, to its buyer once it was relayed."""
    return _download(path.trade, header, Delivery.FIRST)


@api.get(
    "/v1/trades/<trade>/remedy/package",
    responses=_DOWNLOADS,
    security=SIGNED,
    openapi_extensions={description.HEAD: _TELL},
)
def download_remedy(path: TradePath, header: RangeHeader) -> flask.Response:
    """Return the remedy's package, or the part that `Range` names, to its buyer once it was relayed."""
    return _download(path.trade, header, Delivery.REMEDY)


def _download(trade: str, header: RangeHeader, delivery: Delivery) -> flask.Response:
    party, head = account(), flask.request.method == "HEAD"
    if head and _role(trade, party) == "seller":
        return _offset(trade, party, delivery)
    release = platform().release
    package = release.find(trade, account=party, delivery=delivery)
    try:
        # Defined for GET alone (RFC 9110, section 14.2).
        part = None if head else ranges.parse_range(header.range, package.size)
    except MarketError as error:
        return _not_satisfiable(error, package.size)
    start, stop = part or (0, package.size)
    # Opened before the first header leaves: what is missing is an answer, not a broken connection.
    response = flask.Response(() if head else release.read(package, start, stop), mimetype="application/octet-stream")
    response.content_length = stop - start
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = f'"{package.root}"'
    response.headers["Cache-Control"] = "no-store"
    if part is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{package.size}"
    return response


def _not_satisfiable(error: MarketError, size: int) -> flask.Response:
    response = flask.jsonify(problems.document(error, status=416))
    response.status_code = 416
    response.content_type = problems.CONTENT_TYPE
    response.headers["Content-Range"] = f"bytes */{size}"
    return response


def _role(trade: str, party: str) -> str:
    with services().database.autocommit() as connection:
        return load_trade(connection, trade).role(party)


def _offset(trade: str, party: str, delivery: Delivery) -> flask.Response:
    response = flask.Response()
    response.headers["Cache-Control"] = "no-store"
    try:
        status = platform().upload.status(trade, account=party, delivery=delivery)
    except MarketError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        response.headers["Upload-Offset"] = "0"
        return response
    response.headers["Upload-Offset"] = str(status.received)
    response.headers["Upload-Length"] = str(status.size)
    return response


@contextmanager
def _telling_offset(trade: str, party: str, delivery: Delivery) -> Iterator[None]:
    """Add to the refusal of a wrong offset the one to go on from."""
    try:
        yield
    except MarketError as error:
        if error.code is not ErrorCode.UPLOAD_OFFSET:
            raise
        raise ProblemError(error, received=_received(trade, party, delivery)) from error


def _received(trade: str, party: str, delivery: Delivery) -> int:
    try:
        return platform().upload.status(trade, account=party, delivery=delivery).received
    except MarketError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        return 0


def _resource(status: UploadStatus) -> dict[str, Any]:
    return {"trade": status.trade, "size": status.size, "received": status.received, "complete": status.complete}


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK):
        yield piece
