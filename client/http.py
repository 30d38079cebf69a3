"""HTTPS to the gateway: signed requests (RFC 9421), problem documents (RFC 9457), safe repetition."""

import datetime
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from countermark.client.errors import ClientError
from countermark.protocol.accounts import AccountKey

SIGNATURE_S = 120
COVERED = ("@method", "@authority", "@path", "@query")
TRIES = 4
FIRST_PAUSE_S = 0.25
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
        import ssl

        context = ssl.create_default_context(cafile=ca_file or None)
        self._client = httpx.Client(base_url=url, verify=context, timeout=timeout_s)
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

    def post(self, path: str, body: Mapping[str, Any], *, wait_s: int = 0) -> Any:
        """Return the JSON answer to ``body``; the gateway may take ``wait_s`` seconds to know the outcome.

        Raises:
            ClientError: the gateway refuses or cannot be reached.
        """
        headers = {"Prefer": f"wait={wait_s}"} if wait_s else {}
        return self._json(self._send("POST", path, json=body, headers=headers))

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
        """Give the bytes of the resource at ``path`` from ``start`` on, in pieces."""
        request = self._request("GET", path, headers={"Range": f"bytes={start}-"} if start else {})
        try:
            response = self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise _unreachable(error) from error
        try:
            if response.status_code >= 400:
                response.read()
                raise problem(response)
            yield response.iter_bytes(1 << 20)
        except httpx.TransportError as error:
            raise _unreachable(error) from error
        finally:
            response.close()

    @contextmanager
    def events(self, path: str, *, last_id: str = "") -> Iterator[Iterator[str]]:
        """Give the lines of the event stream at ``path``, from after ``last_id`` on."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        request = self._request("GET", path, headers=headers)
        try:
            response = self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise _unreachable(error) from error
        try:
            if response.status_code >= 400:
                response.read()
                raise problem(response)
            yield response.iter_lines()
        except httpx.TransportError as error:
            raise _unreachable(error) from error
        finally:
            response.close()

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

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            # Each attempt is signed anew: the gateway refuses a signature's nonce that it has seen.
            request = self._request(method, path, **parts)
            try:
                response = self._client.send(request)
            except httpx.TransportError as error:
                if last:
                    raise _unreachable(error) from error
            else:
                if response.status_code < 400:
                    return response
                if response.status_code not in _RETRYABLE_STATUS or last:
                    raise problem(response)
            time.sleep(FIRST_PAUSE_S * 2**attempt)
        raise AssertionError("the loop returns or raises")

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise ClientError("gateway_answer", "the gateway answered with something else than JSON") from error


def problem(response: httpx.Response) -> ClientError:
    """Return the error that the problem document in ``response`` tells of."""
    try:
        document = response.json()
        code, detail = str(document["code"]), str(document.get("detail", ""))
    except (ValueError, KeyError, TypeError):
        return ClientError(
            "gateway_answer", f"the gateway answered {response.status_code}", status=response.status_code
        )
    known = {"type", "title", "status", "code", "detail", "txid", "retryable"}
    return ClientError(
        code,
        detail,
        txid=str(document.get("txid") or ""),
        retryable=bool(document.get("retryable", False)),
        status=response.status_code,
        extra={name: value for name, value in document.items() if name not in known},
    )


def _unreachable(error: httpx.TransportError) -> ClientError:
    return ClientError("gateway_unreachable", f"the gateway does not answer: {type(error).__name__}", retryable=True)
