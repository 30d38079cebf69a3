"""A WSGI application behind real TLS on loopback, and what a gateway on a bad day does to its connections."""

import datetime
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, VerifyResult, algorithms
from werkzeug.serving import WSGIRequestHandler, make_server

from countermark.network.identities.authorities import CertificateAuthority
from countermark.protocol import accounts

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        """Say nothing: tests cut connections on purpose."""


class HttpsServer:
    """Serves `app` at `url` with a certificate of an authority of its own, which `ca_file` holds."""

    def __init__(self, app: Application, folder: Path) -> None:
        authority = CertificateAuthority.create("tlsca", "gateway.example")
        pair = authority.issue_tls("gateway", ["localhost", "127.0.0.1"])
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(authority.pair.certificate_pem)
        chain = folder / "gateway.pem"
        chain.write_bytes(pair.certificate_pem + pair.key_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet, ssl_context=context)
        self.url = f"https://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True)
class Request:
    """What arrived, its signature verified where there is one."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    signer: str
    nonce: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What goes back; `cut` breaks the connection off after so many bytes of the body."""

    status: int = 200
    body: bytes | dict[str, Any] = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


def problem(status: int, code: str, **more: Any) -> Answer:
    document = {"type": f"/problems/{code}", "title": code, "status": status, "code": code, "detail": "why", **more}
    return Answer(status, document, {"Content-Type": "application/problem+json"})


DROP = Answer(cut=-1)
"""No answer at all: the connection is closed once the request has arrived."""


class Script:
    """A gateway that gives the answers that a test has laid down, in order, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = read(environ)
        self.requests.append(request)
        return give(self.answer(request), environ, start_response)

    def answer(self, request: Request) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def give(answer: Answer, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    if answer.cut == -1:
        cut(environ)
        return []
    length = {} if environ["REQUEST_METHOD"] == "HEAD" else {"Content-Length": str(len(body))}
    start_response(f"{answer.status} -", list({**length, **answer.headers}.items()))
    return [body] if answer.cut is None else cut_after([body], answer.cut, environ)


def cut_after(pieces: Iterable[bytes], size: int, environ: dict[str, Any]) -> Iterator[bytes]:
    """Yield the first `size` bytes of `pieces`, then break the connection off."""
    for piece in pieces:
        yield piece[:size]
        size -= len(piece)
        if size <= 0:
            cut(environ)
            return


def cut(environ: dict[str, Any]) -> None:
    """Break the connection of a request off, without the end that TLS has."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)


class _AccountKeys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> ec.EllipticCurvePublicKey:
        return accounts.public_key(key_id)


@dataclass(frozen=True)
class _Message:
    method: str
    url: str
    headers: dict[str, str]


def read(environ: dict[str, Any]) -> Request:
    """Return the request, its signature checked with the verifier of http-message-signatures (RFC 9421)."""
    headers = {
        name[5:].replace("_", "-").title(): value for name, value in environ.items() if name.startswith("HTTP_")
    }
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    url = f"https://{headers['Host']}{environ['RAW_URI']}"
    signer = nonce = ""
    if "Signature" in headers:
        result = verify(_Message(environ["REQUEST_METHOD"], url, headers), body)
        signer, nonce = str(result.parameters["keyid"]), str(result.parameters["nonce"])
    return Request(
        environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers, body, signer, nonce
    )


def verify(message: _Message, body: bytes) -> VerifyResult:
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_AccountKeys())
    covered = ("@method", "@authority", "@path", "@query", *(("content-digest",) if body else ()))
    (result,) = verifier.verify(
        message,
        max_age=datetime.timedelta(minutes=5),
        expect_tag="countermark",
        require_components=covered,
        body=body,
    )
    life = int(result.parameters["expires"]) - int(result.parameters["created"])
    assert 0 < life <= 300
    return result
