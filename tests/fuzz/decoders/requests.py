"""What stands in requests and answers beside sealed messages: cursors, ranges, preferences, signatures, problems."""

import datetime
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import httpx
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from countermark.client import http as client
from countermark.gateway import prefer, ranges
from countermark.gateway.signatures import Signatures, SignedMessage
from countermark.platform.store.engine import Database
from countermark.platform.views import cursors
from countermark.protocol import fields
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import MarketError
from tests.fuzz import bytewise, jsonwise
from tests.fuzz.decoder import Decoder
from tests.fuzz.parties import SELLER, TRADE

_HOST, _BODY = "gateway.example:8443", b'{"intent":"a.b.c"}'
_CURSORS: Mapping[str, tuple[fields.Parser, ...]] = {
    "purse": (fields.text(100),),
    "board": (fields.integer(0, 2**53 - 1),),
    "trades": (fields.integer(0, 2**53 - 1), fields.text(64)),
}
_PLACES = [b'["ab12.0"]', b"[7]", b'[12,"%b"]' % TRADE.encode()]
_HEADERS = {
    "content-range": [b"bytes 0-9/100", b"bytes 10-99/100"],
    "range": [b"bytes=0-9", b"bytes=-5", b"bytes=90-"],
    "prefer": [b"wait=30", b'respond-async, wait="5"; foo="bar"'],
}
_PROBLEM = jsonwise.spell(
    {
        "type": "about:blank",
        "title": "T",
        "status": 409,
        "code": "wrong_state",
        "detail": "D",
        "retryable": False,
        "txid": "ab",
        "errors": [{"pointer": "/a", "detail": "d"}],
    }
)


class _Key(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id: str) -> Any:
        return SELLER.private_key


def _signed() -> dict[str, str]:
    """Return the headers of a request that the seller signed just now."""
    request = httpx.Request("POST", f"https://{_HOST}/v1/trades", content=_BODY)
    now = datetime.datetime.now(datetime.UTC)
    HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_Key()).sign(
        request,
        key_id=SELLER.address,
        created=now,
        expires=now + datetime.timedelta(seconds=300),
        nonce="nonce",
        tag="countermark",
        covered_component_ids=("@method", "@authority", "@path", "@query"),
        body=_BODY,
    )
    return {name.title(): value for name, value in request.headers.items()}


def decoder() -> Decoder:
    """Return the decoder of these."""
    # A database that nobody can reach: whatever has a good signature comes as far as that and no farther.
    signatures = Signatures(database=Database("postgresql://127.0.0.1:9/none"), hosts=["gateway.example"])
    headers = _signed()

    def make_cursor(random: Random) -> tuple[str, str]:
        if random.random() < 0.7:
            changed = b64u(jsonwise.change(random, random.choice(_PLACES), _PLACES))
        else:
            corpus = [b64u(place).encode() for place in _PLACES]
            changed = bytewise.change(random, random.choice(corpus), corpus).decode("latin-1")
        return random.choice(list(_CURSORS)), changed

    def make_header(random: Random) -> tuple[str, str]:
        name = random.choice(list(_HEADERS))
        return name, bytewise.change(random, random.choice(_HEADERS[name]), _HEADERS[name]).decode("latin-1")

    def make_signed(random: Random) -> dict[str, str]:
        name = random.choice(("Signature", "Signature-Input", "Content-Digest"))
        corpus = [value.encode() for value in headers.values()]
        changed = bytewise.change(random, headers[name].encode(), corpus)
        return {**headers, name: changed.decode("latin-1")}

    def make_problem(random: Random) -> bytes:
        return jsonwise.change(random, _PROBLEM, [_PROBLEM])

    def read_signed(changed: Mapping[str, str]) -> None:
        signatures.verify(SignedMessage("POST", _HOST, "/v1/trades", changed), has_body=True)

    kinds: list[tuple[Callable[[Random], Any], Callable[[Any], object]]] = [
        (make_cursor, lambda case: cursors.decode(case[1], *_CURSORS[case[0]])),
        (make_header, lambda case: _read_header(*case)),
        (make_signed, read_signed),
        (make_problem, lambda data: client.problem(httpx.Response(409, content=data))),
    ]

    def make(random: Random) -> tuple[int, Any]:
        kind = random.randrange(len(kinds))
        return kind, kinds[kind][0](random)

    def read(case: tuple[int, Any]) -> None:
        kind, content = case
        kinds[kind][1](content)

    return Decoder(make, read, (MarketError,))


def _read_header(name: str, value: str) -> None:
    if name == "prefer":
        assert 0 <= prefer.wait_s(value) <= prefer.LONGEST_WAIT_S
    elif name == "range":
        part = ranges.parse_range(value, 100)
        assert part is None or 0 <= part[0] < part[1] <= 100
    else:
        part = ranges.parse_content_range(value)
        assert 0 <= part.start < part.stop <= part.total
