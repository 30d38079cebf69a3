"""What goes wrong: every operation is asked for something that it refuses, by people full of canaries."""

import os
import socket
import ssl
from typing import Any

from tests.secrets.parties import Exchange
from tests.secrets.story import Story


def fail(story: Story) -> None:
    """Ask every operation for something that it refuses, with canaries wherever a request has room for them."""
    document = story.outsider.ask("GET", "/openapi.json").json()
    body = {"intent": story.canaries.body, "sealed": {"v": 1, "kind": story.canaries.body}}
    for path, operations in document["paths"].items():
        filled = path.replace("{seq}", "999999")
        while "{" in filled:
            filled = f"{filled[: filled.index('{')]}{story.canaries.path}{filled[filled.index('}') + 1 :]}"
        for method in operations:
            for person in (story.outsider, story.stranger):
                query = f"?token={story.canaries.query}&cursor={story.canaries.query}"
                parts: dict[str, Any] = {} if method == "get" else {"json": body}
                person.ask(method.upper(), filled + query, **parts)
                person.ask(method.upper(), filled, **parts)
        story.stranger.ask("DELETE", filled)
    story.outsider.ask("GET", f"/{story.canaries.path}")
    _fail_at_the_rules(story)


def _fail_at_the_rules(story: Story) -> None:
    """Ask well-formed things that the market's rules refuse, or that are somebody else's."""
    stranger, sold = story.stranger, story.goods["sold"]
    for function, resource, extra in (
        ("trade.charge", "charge", {"fee": "1", "bond": "1"}),
        ("trade.confirm", "confirmation", {}),
        ("trade.cancel", "cancellation", {}),
    ):
        intent = stranger.market.sign(function, {"trade": sold.trade, **extra})
        stranger.ask("POST", f"/v1/trades/{sold.trade}/{resource}", json={"intent": intent})
    intent = stranger.market.sign("listing.withdraw", {"listing": sold.listing})
    stranger.ask("POST", f"/v1/listings/{sold.listing}/withdraw", json={"intent": intent})
    for method, path in (
        ("GET", f"/v1/trades/{sold.trade}/package"),
        ("GET", f"/v1/accounts/{story.buyer.address}"),
        ("GET", f"/v1/accounts/{story.buyer.address}/coins"),
        ("GET", f"/v1/audit/trades/{sold.trade}"),
        ("GET", "/v1/audit/probes"),
        ("GET", "/v1/board/0/proof"),
        ("GET", "/v1/board/consistency?first=1&second=1000000"),
    ):
        assert stranger.ask(method, path).status_code in (403, 404), path
    piece = {"Content-Range": "bytes 0-9/10"}
    stranger.ask("PUT", f"/v1/trades/{sold.trade}/package", content=os.urandom(10), headers=piece)
    story.seller.ask("PUT", f"/v1/trades/{sold.trade}/package", content=os.urandom(10), headers=piece)
    rich = stranger.market.sign("coin.transfer", {"to": story.buyer.address, "amount": "999999999"})
    stranger.ask("POST", f"/v1/accounts/{stranger.address}/transfers", json={"intent": rich})


def _send_rubbish(story: Story) -> None:
    """Send bytes that are no request at all."""
    host, _, port = story.platform.url.removeprefix("https://").rpartition(":")
    context = ssl.create_default_context(cafile=str(story.platform.ca_file))
    secret = story.canaries.path.encode()
    for rubbish in (
        b"GET /" + secret + b" HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nBad header: " + secret + b"\r\n\r\n",
        b"POST /v1/accounts HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: " + secret + b"\r\n\r\n",
    ):
        with (
            socket.create_connection((host, int(port))) as raw,
            context.wrap_socket(raw, server_hostname=host) as connection,
        ):
            connection.sendall(rubbish)
            answer = connection.recv(65_536)
            story.exchanges.append(Exchange("outsider", "GET", "/", int(answer[9:12]), rubbish, b"", answer))
