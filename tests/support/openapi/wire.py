"""A client between schemathesis and the gateway: it signs what is to be signed, as the project's own client does."""

from collections.abc import Callable, Iterable
from typing import Any

import httpx
from werkzeug.wrappers import Request, Response

from countermark.client.http import Http
from tests.support.front import Front
from tests.support.market import Actor
from tests.support.openapi.plans import Signing

SIGNER, SIGNING = "Countermark-Test-Signer", "Countermark-Test-Signing"
"""Headers by which a request says who signs it, and what is wrong with the signature; they go no further."""

_SIGNATURE = ("Signature", "Signature-Input", "Content-Digest")


class SigningWire:
    """A WSGI application: the gateway of `front`, reached through a client for each of `actors`."""

    def __init__(self, front: Front, actors: Iterable[Actor]) -> None:
        self._client = front.raw()
        self._clients: dict[str, Http] = {who.name: front.http(who) for who in actors}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        headers = {name: value for name, value in request.headers.items() if name not in (SIGNER, SIGNING, "Host")}
        parts = {
            "headers": [(name, value.encode("latin-1")) for name, value in headers.items()],
            "content": request.get_data(),
        }
        answer = self._send(request, parts)
        response = Response(answer.content, answer.status_code)
        response.headers.clear()
        # What was read is no longer as it was sent.
        response.headers.extend((name, value) for name, value in answer.headers.multi_items())
        return response(environ, start_response)

    def _send(self, request: Request, parts: dict[str, Any]) -> httpx.Response:
        query = request.query_string.decode("latin-1")
        target = request.environ["RAW_URI"] + (f"?{query}" if query else "")
        signing = Signing(request.headers.get(SIGNING, Signing.NONE))
        if signing is Signing.NONE:
            return self._exchange(self._client.build_request(request.method, target, **parts))
        signed_parts = {**parts, "content": parts["content"] + b"."} if signing is Signing.OTHER_BODY else parts
        for name in _SIGNATURE:
            parts["headers"] = [one for one in parts["headers"] if one[0].lower() != name.lower()]
        http = self._clients[request.headers[SIGNER]]
        signed = http._request(request.method, target, **{**signed_parts, "headers": parts["headers"]})
        if signing is Signing.OTHER_BODY:
            again = self._client.build_request(request.method, target, **parts)
            again.headers.update({name: signed.headers[name] for name in _SIGNATURE if name in signed.headers})
            signed = again
        if signing is Signing.FORGED:
            signed.headers["Signature"] = signed.headers["Signature"].translate(str.maketrans("AB", "BA"))
        if signing is Signing.TWICE:
            self._exchange(signed)
        return self._exchange(signed)

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        response = self._client.send(request, stream=True)
        try:
            if response.headers.get("Content-Type", "").startswith("text/event-stream"):
                # It would go on for ever.
                response._content = next(response.iter_raw())
            else:
                response.read()
        finally:
            response.close()
        return response
