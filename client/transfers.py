"""Packages on their way: uploads and downloads in pieces that go on where they stopped, in constant memory."""

import os
from collections.abc import Callable
from pathlib import Path

from countermark.client.errors import GATEWAY_ANSWER, ClientError
from countermark.client.http import Http
from countermark.protocol.errors import ErrorCode

PIECE_BYTES = 4 << 20
RESUMES = 5
"""How often in a row a transfer may be cut off without having moved on."""

_NOT_FOUND = 404
"""Nothing was uploaded yet."""

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


def no_progress(_done: int, _total: int) -> None:
    """Show nothing."""


def upload(http: Http, resource: str, path: Path, progress: Progress = no_progress) -> None:
    """Send the file ``path`` to ``resource``, from the byte on that the gateway does not have yet (step 14).

    Raises:
        ClientError: the gateway refuses, stays unreachable, or does not keep what it gets.
    """
    total = path.stat().st_size
    start, furthest, stuck = _offset(http, resource, total), 0, 0
    with path.open("rb") as file:
        while start < total:
            stuck = 0 if start > furthest else stuck + 1
            furthest = max(furthest, start)
            if stuck > RESUMES:
                raise ClientError(GATEWAY_ANSWER, f"the gateway keeps no more than {furthest} of {total} bytes")
            file.seek(start)
            piece = file.read(PIECE_BYTES)
            try:
                answer = http.put_range(resource, piece, start=start, total=total)
            except ClientError as error:
                if error.code != ErrorCode.UPLOAD_OFFSET:
                    raise
                # A piece whose answer was lost has arrived, or the gateway has lost what it had.
                start = _offset(http, resource, total)
            else:
                start = _received(answer.get("received"), total)
            progress(start, total)


def _offset(http: Http, resource: str, total: int) -> int:
    try:
        text = http.head(resource).get("Upload-Offset", "0")
    except ClientError as error:
        if error.status == _NOT_FOUND:
            return 0
        raise
    return _received(int(text) if text.isascii() and text.isdigit() else None, total)


def _received(value: object, total: int) -> int:
    if not isinstance(value, int) or not 0 <= value <= total:
        raise ClientError(GATEWAY_ANSWER, "the gateway does not say how much it has received")
    return value


def download(http: Http, resource: str, path: Path, total: int, progress: Progress = no_progress) -> None:
    """Fetch ``resource`` of ``total`` bytes into ``path``, adding to what an earlier try left there (step 15).

    The file is its owner's alone, and no link leads elsewhere.

    Raises:
        ClientError: the gateway refuses, stays unreachable, or sends more than there is.
    """
    stuck = 0
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        while (start := file.seek(0, 2)) < total:
            try:
                with http.download(resource, start=start) as pieces:
                    for piece in pieces:
                        if file.tell() + len(piece) > total:
                            raise ClientError(GATEWAY_ANSWER, f"the gateway sent more than the {total} bytes")
                        file.write(piece)
                        progress(file.tell(), total)
            except ClientError as error:
                stuck = 0 if file.tell() > start else stuck + 1
                if not error.retryable or stuck == RESUMES:
                    raise
            else:
                if file.tell() == start:
                    raise ClientError(GATEWAY_ANSWER, f"the gateway sent {start} of {total} bytes and no more")
