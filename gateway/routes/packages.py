"""/v1/trades/{id}/package: encrypted data in and out, in pieces, in constant memory (steps (14) and (15))."""

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

import flask

from countermark.gateway import ranges
from countermark.gateway.api import (
    SIGNED,
    Resource,
    account,
    blueprint,
    body_limit,
    problem_response,
    request,
    services,
    signature,
)
from countermark.gateway.problems import ProblemError
from countermark.gateway.routes.trades import TradePath
from countermark.gateway.signatures import BodyDigest
from countermark.platform.relay.upload import UploadStatus
from countermark.platform.store import channels
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("packages", "Encrypted data on its way from seller to buyer")

LONGEST_PIECE = 256 << 20
"""Most bytes of one PUT; a package of any size comes in several."""

_CHUNK = 256 << 10


class Upload(Resource):
    """How much of a package is here; sizes in bytes."""

    trade: str
    size: int
    received: int
    complete: bool


_CONTENT = {
    "application/octet-stream": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
}

_DOWNLOADS: Any = {
    **{
        status: {"description": text, "content": _CONTENT}
        for status, text in {200: "The package", 206: "A part of it"}.items()
    },
    416: problem_response("No such part"),
}


@api.put(
    "/v1/trades/<trade>/package",
    responses={200: Upload, 201: Upload},
    security=SIGNED,
    openapi_extensions={"requestBody": {"required": True, "content": _CONTENT}},
)
def upload(path: TradePath) -> tuple[flask.Response, int]:
    """Upload a part of the package, from the offset on that HEAD tells: `Content-Range: bytes first-last/total`.

    The last part completes it: 201. A wrong offset is refused with `received`, the offset to go on from.
    """
    body_limit(LONGEST_PIECE)
    part = ranges.parse_content_range(request().headers.get("Content-Range", ""))
    signer = signature()
    assert signer is not None
    digest = BodyDigest(signer)
    # A piece counts only once its signed digest was compared, so it waits in a file without a name.
    with tempfile.TemporaryFile(dir=services().site.spool) as spool:
        size = _copy(digest.passing(_pieces(request().stream)), spool)
        digest.check()
        if size != part.stop - part.start:
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "Content-Range and body differ in length")
        spool.seek(0)
        status = _receive(path.trade, signer.account, part, _pieces(spool))
    if status.complete:
        with services().database.begin() as connection:
            channels.notify(connection, channels.WORK, path.trade)
    return flask.jsonify(_resource(status)), 201 if status.complete else 200


@api.get("/v1/trades/<trade>/package", responses=_DOWNLOADS, security=SIGNED)
def download(path: TradePath) -> flask.Response:
    """Return the package, or the part that `Range` names, to its buyer once it was relayed.

    To its seller HEAD tells in `Upload-Offset` how many bytes are here.
    """
    party = account()
    if flask.request.method == "HEAD":
        return _offset(path.trade, party)
    wanted = ranges.parse_range(flask.request.headers.get("Range", ""))
    start, stop = wanted or (0, None)
    try:
        found = services().release.read(path.trade, account=party, start=start, stop=stop)
    except MarketError as error:
        if error.code is ErrorCode.MALFORMED_REQUEST:
            raise ProblemError(error, status=416) from error
        raise
    response = flask.Response(found.pieces, mimetype="application/octet-stream")
    response.content_length = found.stop - found.start
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = f'"{found.root}"'
    response.headers["Cache-Control"] = "no-store"
    if wanted is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {found.start}-{found.stop - 1}/{found.size}"
    return response


def _offset(trade: str, party: str) -> flask.Response:
    response = flask.Response()
    response.headers["Cache-Control"] = "no-store"
    try:
        status = services().upload.status(trade, account=party)
    except MarketError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        response.headers["Upload-Offset"] = "0"
        return response
    response.headers["Upload-Offset"] = str(status.received)
    response.headers["Upload-Length"] = str(status.size)
    return response


def _receive(trade: str, party: str, part: ranges.Part, data: Iterable[bytes]) -> UploadStatus:
    uploads = services().upload
    try:
        return uploads.receive(trade, account=party, start=part.start, total=part.total, data=data)
    except MarketError as error:
        if error.code is not ErrorCode.UPLOAD_OFFSET:
            raise
        raise ProblemError(error, received=_received(trade, party)) from error


def _received(trade: str, party: str) -> int:
    try:
        return services().upload.status(trade, account=party).received
    except MarketError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        return 0


def _resource(status: UploadStatus) -> dict[str, Any]:
    return {"trade": status.trade, "size": status.size, "received": status.received, "complete": status.complete}


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK):
        yield piece


def _copy(pieces: Iterable[bytes], out: IO[bytes]) -> int:
    size = 0
    for piece in pieces:
        out.write(piece)
        size += len(piece)
    return size
