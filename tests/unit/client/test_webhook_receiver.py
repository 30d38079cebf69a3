"""What a webhook's receiver believes: the platform's signature for this very URL, and nothing else."""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from countermark.client.webhook_receiver import COVERED, TAG, Receiver
from countermark.protocol import canonical
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import ErrorCode
from tests.support.market import actor, refused

URL = "https://receiver.example/told?by=us"
MARKET = "market/countermark"
PLATFORM, OTHER = actor("platform").key, actor("stranger").key
DOCUMENT: dict[str, Any] = {
    "account": actor("buyer").address,
    "event": {
        "seq": 1 << 20,
        "tx": "ab" * 32,
        "subject": "tr1abc",
        "state": "PAID",
        "function": "trade.pay",
        "time": "2026-01-01T00:00:00.000Z",
    },
    "market": MARKET,
    "webhook": "wh1abc",
}
BODY = canonical.dumps(DOCUMENT)


@dataclass
class Message:
    url: str = URL
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


class _Key(HTTPSignatureKeyResolver):
    def __init__(self, key: AccountKey) -> None:
        self._key = key

    def resolve_private_key(self, _key_id: str) -> Any:
        return self._key.private_key


def signed(
    body: bytes = BODY,
    message: Message | None = None,
    *,
    key: AccountKey = PLATFORM,
    key_id: str = "",
    age_s: int = 0,
    **changes: Any,
) -> dict[str, str]:
    """The headers of a delivery; `changes` are arguments of the signer."""
    message = message or Message()
    created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age_s)
    arguments = {
        "covered_component_ids": COVERED[:-1],
        "tag": TAG,
        "label": "countermark",
        "created": created,
        "expires": created + datetime.timedelta(hours=1),
        "body": body,
        **changes,
    }
    HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_Key(key)).sign(
        message, key_id=key_id or key.address, **arguments
    )
    return message.headers


RECEIVER = Receiver(URL, market=MARKET, platform=PLATFORM.address)


def test_delivery_of_the_platform_is_read() -> None:
    told = RECEIVER.open(signed(), BODY)
    assert (told.seq, told.function, told.subject, told.state) == (1 << 20, "trade.pay", "tr1abc", "PAID")
    assert (told.webhook, told.account, told.time_ms) == ("wh1abc", actor("buyer").address, 1_767_225_600_000)


def test_names_of_headers_may_be_spelled_as_a_server_likes() -> None:
    assert RECEIVER.open({name.upper(): value for name, value in signed().items()}, BODY).seq == 1 << 20


def _without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key.lower() != name}


FORGERIES: dict[str, Callable[[], tuple[dict[str, str], bytes]]] = {
    "not signed": lambda: ({"Content-Type": "application/json"}, BODY),
    "signed by somebody else": lambda: (signed(key=OTHER), BODY),
    "signed by somebody else in the platform's name": lambda: (signed(key=OTHER, key_id=PLATFORM.address), BODY),
    "another body": lambda: (signed(), BODY.replace(b"PAID", b"SETT")),
    "another body with its own digest": lambda: (
        {**signed(), "Content-Digest": signed(b"{}")["Content-Digest"]},
        b"{}",
    ),
    "no body": lambda: (signed(), b""),
    "for another receiver": lambda: (signed(message=Message("https://other.example/told?by=us")), BODY),
    "for another path": lambda: (signed(message=Message("https://receiver.example/other?by=us")), BODY),
    "for another query": lambda: (signed(message=Message("https://receiver.example/told?by=you")), BODY),
    "another method": lambda: (signed(message=Message(method="PUT")), BODY),
    "another type of content": lambda: ({**signed(), "Content-Type": "text/html"}, BODY),
    "a request to a gateway": lambda: (signed(tag="countermark"), BODY),
    "too old": lambda: (signed(age_s=400), BODY),
    "of the future": lambda: (signed(age_s=-400), BODY),
    "the body not covered": lambda: (signed(body=None, covered_component_ids=COVERED[:-1]), BODY),
    "the authority not covered": lambda: (signed(covered_component_ids=("@method", "@path", "@query")), BODY),
    "signature cut off": lambda: (_without(signed(), "signature"), BODY),
    "digest cut off": lambda: (_without(signed(), "content-digest"), BODY),
    "signed twice": lambda: (
        signed(
            message=Message(headers=signed()),
            label="second",
            append_if_signature_exists=True,
            use_existing_digest=True,
        ),
        BODY,
    ),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_what_the_platform_has_not_signed_for_this_url_is_refused(
    forge: Callable[[], tuple[dict[str, str], bytes]],
) -> None:
    headers, body = forge()
    with refused(ErrorCode.BAD_SIGNATURE):
        RECEIVER.open(headers, body)


def test_event_of_another_market_is_refused() -> None:
    body = canonical.dumps({**DOCUMENT, "market": "other/countermark"})
    with refused(ErrorCode.WRONG_MARKET):
        RECEIVER.open(signed(body), body)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**DOCUMENT, "more": 1},
        {**DOCUMENT, "event": {}},
        {**DOCUMENT, "event": {**DOCUMENT["event"], "seq": "1"}},
        {**DOCUMENT, "event": {**DOCUMENT["event"], "time": "yesterday"}},
        [],
    ],
)
def test_signed_delivery_of_another_form_is_refused(document: Any) -> None:
    body = canonical.dumps(document)
    with refused(ErrorCode.MALFORMED_REQUEST):
        RECEIVER.open(signed(body), body)


def test_example_of_the_documentation_takes_each_event_once_and_no_forgery(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "http-api.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    # What a reader would fill in.
    filled = example.replace("did:key:zDn…", PLATFORM.address).replace("https://shop.example/told", URL)
    names: dict[str, Any] = {}
    exec(filled, names)  # noqa: S102  # the documentation's own code
    assert [names["told"](signed(), BODY) for _ in range(2)] == [204, 204]
    assert names["told"](signed(key=OTHER), BODY) == 401
    assert capsys.readouterr().out == "trade.pay tr1abc PAID\n"
