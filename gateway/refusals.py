"""How an operation may be refused: the statuses follow from what it takes, the codes from the table of problems."""

from collections.abc import Iterator, Mapping
from typing import Any

from countermark.gateway import problems
from countermark.gateway.problems import PROBLEMS
from countermark.protocol.errors import ErrorCode, MarketError

INTENT, SEALED = "x-countermark-intent", "x-countermark-sealed"
"""Members of an operation: the action of the intent that it takes, and the kind of the sealed message."""

TEXTS = {
    400: "Malformed",
    401: "Not signed, or not well",
    402: "The payment does not count",
    403: "Not permitted",
    404: "Not there, or not yours",
    409: "Not possible now",
    413: "Too large",
    415: "Not JSON",
    416: "No such part",
    429: "Too many requests",
    500: "A mistake of this system",
    502: "The organisations do not agree",
    503: "A part is away, or busy",
    504: "The outcome is not known yet",
}

_ANY = frozenset({400, 500, 503})
_WRITE = frozenset({429})
_BODY = frozenset({413})
_SIGNATURE = frozenset({401, 413})
_SEALED = frozenset({401, 404})
_INTENT = frozenset({401, 403, 404, 409, 502, 504})

_BY_HTTP = {413: ErrorCode.TOO_LARGE, 415: ErrorCode.MALFORMED_REQUEST, 416: ErrorCode.MALFORMED_REQUEST}
"""Codes under which the gateway refuses by HTTP's own rules."""

_TEXT = {"type": "string"}
_RETRY_AFTER = {"description": "Seconds, where it is known when to ask again", "schema": _TEXT}
_LIMITS = {
    "RateLimit-Policy": {"description": "The limit: quota q in a window of w seconds", "schema": _TEXT},
    "RateLimit": {"description": "What is left of it: r for the next t seconds", "schema": _TEXT},
}
_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"const": "Signature"}}},
    429: {"Retry-After": _RETRY_AFTER, **_LIMITS},
    503: {"Retry-After": _RETRY_AFTER},
}


def statuses(method: str, operation: Mapping[str, Any]) -> frozenset[int]:
    """Return the statuses of refusal that ``operation`` may answer with, beside those that its route names."""
    found = _ANY if method == "get" else _ANY | _WRITE
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        found |= _BODY
    if "application/json" in content:
        found |= {415}
    if any(operation.get("security", [])):
        found |= _SIGNATURE
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", [])):
        found |= {404}
    if SEALED in operation:
        found |= _SEALED
    if INTENT in operation:
        found |= _INTENT
    return found


def refusals(*more: int) -> dict[int | str, Any]:
    """Return what a route says of the statuses ``more`` that do not follow from what it takes."""
    return {status: {"description": TEXTS[status]} for status in more}


def reference(status: int) -> dict[str, str]:
    """Return the reference to the answer that `components` has for ``status``."""
    return {"$ref": f"#/components/responses/{_name(status)}"}


def components() -> dict[str, Any]:
    """Return the answers that refuse, each with the codes that it may carry and an example."""
    return {_name(status): _response(status, text) for status, text in TEXTS.items()}


def _name(status: int) -> str:
    return f"Problem{status}"


def _response(status: int, text: str) -> dict[str, Any]:
    codes = sorted(set(_codes(status)))
    first = MarketError(_BY_HTTP.get(status, codes[0]))
    member = {"status": {"const": status}, "code": {"enum": [str(code) for code in codes]}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "object", "properties": member}]}
    media = {"schema": schema, "example": problems.document(first, status=status)}
    headers = {"headers": _HEADERS[status]} if status in _HEADERS else {}
    return {"description": text, **headers, "content": {problems.CONTENT_TYPE: media}}


def _codes(status: int) -> Iterator[ErrorCode]:
    if status in _BY_HTTP:
        yield _BY_HTTP[status]
    yield from (code for code, problem in PROBLEMS.items() if problem.status == status)
