"""Reading one's own trades, and waiting for what others do in them."""

from typing import Any

from countermark.client.market import Market


def show(market: Market, trade: str) -> dict[str, Any]:
    """Return a trade in which the account is buyer or seller.

    Raises:
        ClientError: there is none.
    """
    resource: dict[str, Any] = market.http.get(f"/v1/trades/{trade}")
    return resource


def await_state(market: Market, trade: str, states: frozenset[str]) -> dict[str, Any]:
    """Return the trade once it is in one of ``states``, told by the gateway's event stream.

    Raises:
        ClientError: there is no such trade, or the stream broke off.
    """
    while True:
        with market.http.events(f"/v1/events?subject={trade}") as lines:
            # Looked at after the stream began: what happens from here on is in the stream.
            resource = show(market, trade)
            if resource["state"] in states:
                return resource
            for line in lines:
                if line.startswith("data:"):
                    resource = show(market, trade)
                    if resource["state"] in states:
                        return resource
        # The gateway ended the stream, as it does when it stops: the next one starts with a look.
