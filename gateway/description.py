"""What the OpenAPI document says beyond what the routes' types tell.

The library makes the document from the routes. What holds for all operations alike is added here: how they may be
refused, how an intent, a sealed message or a signed request is made, and which headers go with an answer.
"""

from collections.abc import Iterator
from typing import Any

from countermark.gateway import prefer
from countermark.gateway.refusals import INTENT, SEALED, TEXTS, components, reference, statuses
from countermark.protocol import actions, claim_papers, fields, notices, parts, searches

HEAD = "x-head"
"""Member of an operation's extensions: its answer to HEAD, which the library has no way to describe."""

TEXT = """\
A market for data on Hyperledger Fabric, whose users need not trust whoever runs this gateway.

**Values.** Money is text of integer minor units, times are RFC 3339 in UTC with milliseconds, digests are
`sha256:` and hexadecimal digits, binary is base64url without padding. A JSON body has exactly the members that are
described, no member twice, and no number with a point.

**Intents.** Whatever changes the ledger is asked for by an intent, which the account's key signs and any gateway may
submit: a compact JWS with the header `{"alg":"ES256","kid":<address>,"typ":"countermark-intent+jws"}` and, as
canonical JSON (RFC 8785), the payload `{action, expires_at, issued_at, market, nonce, params}`. The operation names
`action` and the members of `params`; `market` is that of `GET /v1/market`; `nonce` is 16 random bytes, the
idempotency key: the same intent again has the same answer, another payload under its nonce is refused.

**Signed requests.** Reads of an account's own things, and uploads, carry an HTTP message signature (RFC 9421) by its
key: `ecdsa-p256-sha256` over `@method`, `@authority`, `@path`, `@query`, and `content-digest` (RFC 9530) where there
is a body; parameters `keyid` (the address), `created`, `expires` (at most 300 s later), `nonce` and
`tag="countermark"`.

**Sealed messages.** What only the platform may read is encrypted to its key of the market's configuration by HPKE
(RFC 9180; MLKEM768-X25519, HKDF-SHA256, AES-256-GCM), bound to its kind, the market and the version of the key.

**Writes.** The answer is 200 with the transaction once its outcome is known and readable here, else 202 and where to
ask; `Prefer: wait=N` (RFC 7240) holds it back for up to N seconds.

**Refusals** are problem documents (RFC 9457), each with a `code` of a closed list. **Collections** come in pages:
`next`, and the header `Link`, lead to the following one.
"""

SECURITY_SCHEMES: dict[str, Any] = {
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "HTTP message signature (RFC 9421) by the account's key, as told at the top of this document.",
    },
    "signature_input": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature-Input",
        "description": "What the signature covers, and its parameters (RFC 9421, section 4.1).",
    },
}

_ASKED = (
    "a compact JWS of the type `{}` with `fingerprint`, or `fingerprints` of several things, `issued_at`, `market` "
    "and `nonce`"
)
_PLAINTEXT = {
    parts.KIND: (
        f"canonical JSON `{{items}}` with at most {parts.MAX_ITEMS} fingerprints of a listing in base64url, in its "
        f"order; the message as canonical JSON has at most {parts.MAX_BYTES} bytes"
    ),
    claim_papers.EVIDENCE_KIND: (
        "canonical JSON `{files, listing, statement}` with `name` and `data` (base64url) of each file, sealed to the "
        "supervisor's key of the market's configuration; the intent names the digest of this message's canonical JSON"
    ),
    "listing": (
        "canonical JSON `{intent, items, opening}` with the fingerprint of each item in base64url, or in place of "
        "`items` with `parts`, the digests of parts that were sent before, in their order; and the opening "
        "`{description, exact, items, root, salt_d, salt_exact, salt_f}` of the three commitments"
    ),
    "notice": f"a compact JWS of the type `{notices.TYP}`, whose payload has the digest that the intent names",
    "opening": "canonical JSON `{key, trade}` with the one-time key in base64url; the intent names each one's digest",
    "search": _ASKED.format(searches.TYP),
    "trace": _ASKED.format(searches.TRACE_TYP),
}
"""What is in a sealed message of each kind."""

_STRING = {"type": "string"}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": _STRING,
    "description": f"`wait=N`: wait up to N seconds for the outcome, at most {prefer.LONGEST_WAIT_S}",
    "example": "wait=10",
}
_LOCATION = {"description": "The transaction, to ask for its outcome", "required": True, "schema": _STRING}
_LINK = {"description": 'The next page, `rel="next"` (RFC 8288); absent on the last', "schema": _STRING}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add to ``document``, as the library made it, what holds for all operations, and return it."""
    for schema in document["components"]["schemas"].values():
        _say_examples(schema)
    document["components"]["responses"] = components()
    for item in document["paths"].values():
        for method, operation in list(item.items()):
            head = operation.pop(HEAD, None)
            _explain(operation)
            _add_headers(operation)
            operation["responses"] = _responses(method, operation)
            if head is not None:
                item["head"] = _head(operation, head)
    return document


def _say_examples(schema: dict[str, Any]) -> None:
    """Give the example of each member as JSON Schema does: the library knows it by its older form alone."""
    for member in schema.get("properties", {}).values():
        if "example" in member:
            member["examples"] = [member.pop("example")]


def _explain(operation: dict[str, Any]) -> None:
    operation["description"] = "\n\n".join(_paragraphs(operation))
    if not operation["description"]:
        del operation["description"]


def _paragraphs(operation: dict[str, Any]) -> Iterator[str]:
    # The library writes the lines of a docstring as HTML.
    text = operation.get("description", "").replace("<br/>", "\n").strip()
    if text:
        yield text
    if INTENT in operation:
        params = ", ".join(_parameters(operation[INTENT]))
        yield f"Intent `{operation[INTENT]}` with the parameters {params}."
    if SEALED in operation:
        yield f"Sealed message of the kind `{operation[SEALED]}`: {_PLAINTEXT[operation[SEALED]]}."


def _parameters(action: str) -> Iterator[str]:
    for name, parser in actions.PARAMS[action].items():
        yield f"`{name}`" + (" (may be missing)" if isinstance(parser, fields.optional) else "")


def _add_headers(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "202" in responses:
        operation["parameters"] = [*operation.get("parameters", []), _PREFER]
        responses["202"]["headers"] = {"Location": _LOCATION}
    if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", [])):
        responses["200"]["headers"] = {"Link": _LINK}


def _responses(method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Return the answers of ``operation``: those of its route, and each possible refusal."""
    answers = operation["responses"]
    # Made by the library for every operation, in a form of its own.
    answers.pop("400", None)
    named = {int(status) for status, answer in answers.items() if status >= "4" and "content" not in answer}
    own = {status: answer for status, answer in answers.items() if int(status) not in named}
    refused = {str(status): reference(status) for status in statuses(method, operation) | named}
    return dict(sorted({**refused, **own}.items()))


def _head(operation: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
    """Return the operation that ``head`` tells of; whatever is answered to HEAD has no content."""
    shared: dict[str, Any] = {
        name: operation[name] for name in ("tags", "security", "parameters") if name in operation
    }
    refused = {status: {"description": TEXTS[int(status)]} for status in operation["responses"] if status >= "4"}
    answers = {**head["responses"], **refused}
    return {**shared, "operationId": f"{operation['operationId']}_head", **head, "responses": answers}
