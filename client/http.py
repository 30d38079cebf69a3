"""HTTPS to the gateway: signed requests (RFC 9421), problem documents (RFC 9457), safe repetition."""

import datetime
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from countermark.client.errors import (
    GATEWAY_ANSWER,
    GATEWAY_SILENT,
    GATEWAY_UNREACHABLE,
    NOT_TAKEN,
    REFUSALS,
    REFUSED_HERE,
    ClientError,
)
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import ErrorCode

SIGNATURE_S = 120
COVERED = ("@method", "@authority", "@path", "@query")
TRIES = 4
FIRST_PAUSE_S = 0.25
BUSY_PAUSE_S = 2.0
"""How long to wait before a gateway is asked again that is at work on the very request."""
_RETRYABLE_STATUS = {429, 502, 503, 504}


class _OwnKey(HTTPSignatureKeyResolver):
    def __init__(self, key: AccountKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> ec.EllipticCurvePrivateKey:
        assert key_id == self._key.address
        return self._key.private_key


class Http:
    """Requests to one gateway on behalf of one account; without ``key`` only what is public can be read.

    Every request that this client repeats is safe to repeat: reads, uploads at a stated offset, and intents, whose
    nonce makes the same request have one effect.
    """

    def __init__(
        self, url: str, *, ca_file: str = "", key: AccountKey | None = None, timeout_s: float = 60.0
    ) -> None:
        """Connections come about with the first request.

        Raises:
            ClientError: the URL is none of HTTPS, or ``ca_file`` holds no certificate.
        """
        try:
            context = ssl.create_default_context(cafile=ca_file or None)
        except OSError as error:
            raise ClientError(REFUSED_HERE, f"{ca_file} is no file of CA certificates: {error}") from error
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ClientError(REFUSED_HERE, f"{url} is no URL") from error
        if address.scheme != "https" or not address.host:
            raise ClientError(REFUSED_HERE, f"{url} is no https:// URL")
        # Bytes are signed, measured and stored as they are: no encoding on top.
        headers = {"Accept-Encoding": "identity"}
        self._client = httpx.Client(base_url=address, verify=context, timeout=timeout_s, headers=headers)
        self._key = key
        self._signer = (
            HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_OwnKey(key))
            if key
            else None
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Return the JSON document at ``path``, the request signed when there is a key.

        Raises:
            ClientError: the gateway refuses or cannot be reached.
        """
        return self._json(self._send("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any], *, wait_s: int = 0, patience_s: int = 0) -> Any:
        """Return the JSON answer to ``body``; the gateway may take ``wait_s`` seconds to know the outcome.

        As long as it says that it is busy, it is asked again for ``patience_s`` seconds.

        Raises:
            ClientError: the gateway refuses or cannot be reached; ``undecided`` if it may have taken ``body``.
        """
        headers = {"Prefer": f"wait={wait_s}"} if wait_s else {}
        return self._json(self._send("POST", path, patience_s=patience_s, json=body, headers=headers))

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Make ``body`` the resource at ``path`` and return the JSON answer.

        Raises:
            ClientError: the gateway refuses or cannot be reached.
        """
        return self._json(self._send("PUT", path, json=body))

    def delete(self, path: str) -> None:
        """Remove the resource at ``path``.

        Raises:
            ClientError: it is not there (any more), the gateway refuses or cannot be reached.
        """
        self._send("DELETE", path)

    def put_range(self, path: str, data: bytes, *, start: int, total: int) -> Any:
        """Upload ``data`` as the bytes from ``start`` of a resource of ``total`` bytes and return the JSON answer."""
        headers = {
            "Content-Range": f"bytes {start}-{start + len(data) - 1}/{total}",
            "Content-Type": "application/octet-stream",
        }
        return self._json(self._send("PUT", path, content=data, headers=headers))

    def head(self, path: str) -> Mapping[str, str]:
        """Return the headers of the resource at ``path``."""
        return self._send("HEAD", path).headers

    @contextmanager
    def download(self, path: str, *, start: int = 0) -> Iterator[Iterator[bytes]]:
        """Give the bytes of the resource at ``path`` from ``start`` on, in pieces.

        Raises:
            ClientError: the gateway refuses, cannot be reached, breaks off, or sends other bytes than were asked for.
        """
        with self._stream(path, headers={"Range": f"bytes={start}-"} if start else {}) as response:
            if start and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                raise ClientError(GATEWAY_ANSWER, "the gateway sent another range than the one asked for")
            # As they come in: pieces of a fixed size would be lost, half full, with the connection.
            yield response.iter_raw()

    @contextmanager
    def events(self, path: str, *, last_id: str = "") -> Iterator[Iterator[str]]:
        """Give the lines of the event stream at ``path``, from after ``last_id`` on.

        Raises:
            ClientError: the gateway refuses, cannot be reached or breaks off.
        """
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        with self._stream(path, headers=headers) as response:
            yield response.iter_lines()

    @contextmanager
    def _stream(self, path: str, *, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        request = self._request("GET", path, headers=headers)
        try:
            response = self._client.send(request, stream=True)
            try:
                if not response.is_success:
                    response.read()
                    raise problem(response)
                yield response
            finally:
                response.close()
        except httpx.RequestError as error:
            raise _failed(error) from error

    def _request(self, method: str, path: str, **parts: Any) -> httpx.Request:
        request = self._client.build_request(method, path, **parts)
        if self._signer and self._key:
            now = datetime.datetime.now(datetime.UTC)
            self._signer.sign(
                request,
                key_id=self._key.address,
                created=now,
                expires=now + datetime.timedelta(seconds=SIGNATURE_S),
                nonce=secrets.token_urlsafe(16),
                label="countermark",
                tag="countermark",
                covered_component_ids=COVERED,
                body=request.content or None,
            )
        return request

    def _send(self, method: str, path: str, *, patience_s: int = 0, **parts: Any) -> httpx.Response:
        undecided, attempt = False, 0
        patient_until = time.monotonic() + patience_s
        while True:
            # Each attempt is signed anew: the gateway refuses a signature's nonce that it has seen.
            request = self._request(method, path, **parts)
            try:
                response = self._client.send(request)
            except httpx.RequestError as error:
                failure, again = _failed(error), _failed(error).retryable
            else:
                if response.is_success:
                    return response
                failure, again = problem(response), response.status_code in _RETRYABLE_STATUS
            # One attempt that may have been taken makes the whole one that may have, unless a rule has ended it.
            if not failure.final:
                undecided = failure.undecided = undecided or failure.undecided
            if failure.code == ErrorCode.BUSY and time.monotonic() < patient_until:
                time.sleep(BUSY_PAUSE_S)
                continue
            if attempt == TRIES - 1 or not again:
                raise failure
            time.sleep(FIRST_PAUSE_S * 2**attempt)
            attempt += 1

    def _json(self, response: httpx.Response) -> Any:
        try:
            document = response.json()
        except (ValueError, RecursionError) as error:
            raise _not_ours("something else than JSON") from error
        if not isinstance(document, dict):
            raise _not_ours("something else than a JSON object")
        return document


def _not_ours(what: str) -> ClientError:
    return ClientError(GATEWAY_ANSWER, f"the gateway answered with {what}", undecided=True)


def problem(response: httpx.Response) -> ClientError:
    """Return the error that the problem document in ``response`` tells of."""
    try:
        document = response.json()
        code, detail = str(document["code"]), str(document.get("detail", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ClientError(
            GATEWAY_ANSWER,
            f"the gateway answered {response.status_code}",
            retryable=response.status_code in _RETRYABLE_STATUS,
            status=response.status_code,
            undecided=True,
        )
    known = {"type", "title", "status", "code", "detail", "txid", "retryable"}
    return ClientError(
        code,
        detail,
        txid=str(document.get("txid") or ""),
        retryable=bool(document.get("retryable", False)),
        status=response.status_code,
        extra={name: value for name, value in document.items() if name not in known},
        # A code that this client does not know may say anything.
        undecided=code not in REFUSALS | NOT_TAKEN,
    )


def _failed(error: httpx.RequestError) -> ClientError:
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return ClientError(GATEWAY_UNREACHABLE, f"no connection to the gateway: {reason}", retryable=True)
    if isinstance(error, httpx.TransportError):
        return ClientError(GATEWAY_SILENT, f"the gateway broke off: {reason}", retryable=True, undecided=True)
    return ClientError(GATEWAY_ANSWER, f"the gateway's answer cannot be read: {reason}", undecided=True)
