"""A bucket of a service that speaks S3: put, get, list, delete, each in bounded time.

The library is imported, and credentials are looked for, when the bucket is first used: environment, AWS
configuration files, the machine's role. None is ever in an error of ours, nor is the bucket's name.
"""

import io
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from countermark.platform.store.objects.location import BucketLocation
from countermark.protocol.errors import ErrorCode, MarketError

_BLOCK = 64 << 10
_CONNECTIONS = 64
"""How many are kept open for the next request; more threads at once open more."""

_PAGE = 1000
"""Keys in one listing, and in one request to delete: as many as S3 takes."""

_CODE = re.compile(r"[A-Za-z0-9.]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a service may take before it counts as away; a request is tried twice."""

    connect_s: float = 2.0
    """To take a connection, and each next block of what is sent."""
    silence_s: float = 5.0
    """Without a byte of what it answers."""
    transfer_s: float = 30.0
    """For one piece, in either direction."""


class Bucket:
    """Objects of S3 below one prefix of one bucket. May be shared between threads, and made before a fork."""

    def __init__(self, location: BucketLocation, patience: Patience = Patience()) -> None:
        self._location = location
        self._patience = patience
        self._lock = threading.Lock()
        self._made: Any = None

    def put(self, key: str, data: bytes) -> None:
        """Store `data` as `key`, whole or not at all.

        Raises:
            MarketError: STORE_UNAVAILABLE; whether it is stored then, nobody knows.
        """
        # As a file, it is sent in small blocks, each in its time; bytes would have to go all at once.
        body = _Paced(data, time.monotonic() + self._patience.transfer_s)
        with _translated():
            self._client().put_object(**self._named(key), Body=body, ContentType="application/octet-stream")

    def get(self, key: str, start: int, stop: int) -> bytes:
        """Return the bytes `start` up to `stop` (exclusive) of `key`, which has at least `stop`.

        Raises:
            MarketError: NOT_FOUND, STORE_UNAVAILABLE.
        """
        with _translated():
            answer = self._client().get_object(**self._named(key), Range=f"bytes={start}-{stop - 1}")
            data = self._read(answer["Body"], stop - start)
        if len(data) != stop - start:
            raise _unavailable("the object store answers with other bytes than it was asked for")
        return data

    def pages(self, prefix: str) -> Iterator[list[str]]:
        """Yield the keys that begin with `prefix`, some at a time; what is stored meanwhile may be among them.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        token: dict[str, str] = {}
        while True:
            with _translated():
                page = self._client().list_objects_v2(
                    Bucket=self._location.bucket, Prefix=self._location.prefix + prefix, MaxKeys=_PAGE, **token
                )
            yield [entry["Key"].removeprefix(self._location.prefix) for entry in page.get("Contents", ())]
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, keys: Sequence[str]) -> None:
        """Remove `keys`; one that is not there is no error.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        for first in range(0, len(keys), _PAGE):
            named = [{"Key": self._location.prefix + key} for key in keys[first : first + _PAGE]]
            with _translated():
                answer = self._client().delete_objects(
                    Bucket=self._location.bucket, Delete={"Objects": named, "Quiet": True}
                )
            if failed := answer.get("Errors"):
                raise _refused(failed[0].get("Code"))

    def probe(self) -> None:
        """Return if the service answers for this bucket, to these credentials.

        Raises:
            MarketError: STORE_UNAVAILABLE.
        """
        with _translated():
            self._client().list_objects_v2(Bucket=self._location.bucket, Prefix=self._location.prefix, MaxKeys=1)

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._location.bucket, "Key": self._location.prefix + key}

    def _read(self, body: Any, size: int) -> bytes:
        ends, data = time.monotonic() + self._patience.transfer_s, bytearray()
        with closing(body):
            while block := body.read(min(_BLOCK, size + 1 - len(data))):
                data += block
                if time.monotonic() > ends:
                    raise _unavailable("the object store is too slow")
        return bytes(data)

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = _connect(self._location, self._patience)
            return self._made


class _Paced(io.BytesIO):
    """Bytes that can be read until a moment of the monotonic clock."""

    def __init__(self, data: bytes, ends: float) -> None:
        super().__init__(data)
        self._ends = ends

    def read(self, size: int | None = -1, /) -> bytes:
        if time.monotonic() > self._ends:
            raise _unavailable("the object store is too slow")
        return super().read(size)


def _connect(location: BucketLocation, patience: Patience) -> Any:
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        connect_timeout=patience.connect_s,
        read_timeout=patience.silence_s,
        # Twice: a connection that was kept open may have been closed at the other end.
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        # Other makes have no name for each bucket, and not all know the newer checksums.
        s3={"addressing_style": "path" if location.endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with _translated():
        # A session of its own: the library's default one is not for threads.
        session = Session(region_name=location.region)
        return session.client("s3", endpoint_url=location.endpoint, config=config)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn every failure of the service into the errors that callers know."""
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code == "NoSuchKey":
            raise MarketError(ErrorCode.NOT_FOUND, "there is no such object") from None
        raise _refused(code) from error
    except (BotoCoreError, HTTPError, OSError) as error:
        raise _unavailable(f"the object store does not answer ({type(error).__name__})") from error


def _refused(code: object) -> MarketError:
    shown = code if isinstance(code, str) and _CODE.fullmatch(code) else "no code"
    return _unavailable(f"the object store refuses ({shown})")


def _unavailable(detail: str) -> MarketError:
    return MarketError(ErrorCode.STORE_UNAVAILABLE, detail)
