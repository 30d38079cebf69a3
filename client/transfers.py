"""Packages on their way: uploads and downloads in pieces that go on where they stopped, in constant memory."""

from collections.abc import Callable
from pathlib import Path

from countermark.client.errors import ClientError
from countermark.client.http import Http

PIECE_BYTES = 4 << 20
RESUMES = 5

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


def no_progress(_done: int, _total: int) -> None:
    """Show nothing."""


def upload(http: Http, resource: str, path: Path, progress: Progress = no_progress) -> None:
    """Send the file ``path`` to ``resource``, from the byte on that the gateway does not have yet (step 14).

    Raises:
        ClientError: the gateway refuses or stays unreachable.
    """
    total = path.stat().st_size
    start = int(http.head(resource).get("Upload-Offset", "0"))
    with path.open("rb") as file:
        while start < total:
            file.seek(start)
            piece = file.read(PIECE_BYTES)
            answer = http.put_range(resource, piece, start=start, total=total)
            start = int(answer["received"])
            progress(start, total)


def download(http: Http, resource: str, path: Path, total: int, progress: Progress = no_progress) -> None:
    """Fetch ``resource`` of ``total`` bytes into ``path``, adding to what an earlier try left there (step 15).

    Raises:
        ClientError: the gateway refuses or stays unreachable.
    """
    for attempt in range(RESUMES):
        start = path.stat().st_size if path.exists() else 0
        if start >= total:
            return
        try:
            with http.download(resource, start=start) as pieces, path.open("ab") as file:
                for piece in pieces:
                    file.write(piece)
                    start += len(piece)
                    progress(start, total)
        except ClientError as error:
            if not error.retryable or attempt == RESUMES - 1:
                raise
