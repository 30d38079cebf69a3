"""Webhooks of an account: where the gateway tells its events, see `webhook_receiver` for the other end."""

from collections.abc import Iterator
from typing import Any

from countermark.client.errors import GATEWAY_ANSWER, ClientError
from countermark.client.market import Market
from countermark.protocol import fields
from countermark.protocol.errors import MarketError


def add(market: Market, url: str) -> dict[str, Any]:
    """Have the account's events told to ``url`` from now on, and return the webhook.

    One that is there already stays; if it was disabled, it is told again from where it stopped.

    Raises:
        ClientError: the gateway refuses or cannot be reached.
    """
    return _check(market.http.post("/v1/webhooks", {"url": url}))


def mine(market: Market) -> Iterator[dict[str, Any]]:
    """Yield the account's webhooks, the oldest first.

    Raises:
        ClientError: the gateway refuses or cannot be reached.
    """
    return map(_check, market.pages("/v1/webhooks"))


def remove(market: Market, webhook: str) -> None:
    """Forget one of the account's webhooks.

    Raises:
        MarketError: MALFORMED_REQUEST for what is no webhook's id.
        ClientError: there is none, the gateway refuses or cannot be reached.
    """
    market.http.delete(f"/v1/webhooks/{fields.segment(webhook)}")


def _check(resource: dict[str, Any]) -> dict[str, Any]:
    try:
        fields.segment(resource["id"])
        for name in ("url", "state", "last_error"):
            fields.text(4096, empty=True)(resource[name])
    except (KeyError, MarketError) as error:
        raise ClientError(GATEWAY_ANSWER, "the gateway's webhook is malformed") from error
    return resource
