"""Reading one's own trades, and waiting for what others do in them."""

import time
from collections.abc import Iterator
from typing import Any

from countermark.client.errors import GATEWAY_ANSWER, ClientError
from countermark.client.market import Market
from countermark.protocol import fields, ids
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import TradeState

_POLL_S = 1.0
_PACKAGE = {"root": fields.digest, "size": fields.integer(1, 1 << 50)}
_REMEDY = {**_PACKAGE, "notice": fields.digest, "relayed_at": fields.text(64, empty=True)}


def show(market: Market, trade: str) -> dict[str, Any]:
    """Return a trade in which the account is buyer or seller, or the dispute of which it may decide.

    Raises:
        MarketError: UNKNOWN_TRADE for what is no trade's id.
        ClientError: there is none.
    """
    resource = _check(market.http.get(f"/v1/trades/{ids.parse_trade(trade)}"))
    if resource["id"] != trade:
        raise ClientError(GATEWAY_ANSWER, "the gateway answered with another trade")
    return resource


def mine(market: Market, *, open_only: bool = False, deciding: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the trades in which the account is buyer or seller, with ``open_only`` those that have not ended.

    With ``deciding``, those instead whose dispute the account decides now.

    Raises:
        ClientError: the gateway refuses or cannot be reached.
    """
    chosen: dict[str, str | int] = {"open": "true"} if open_only else {}
    if deciding:
        chosen["deciding"] = "true"
    for resource in market.pages("/v1/trades", chosen or None):
        yield _check(resource)


def _check(resource: dict[str, Any]) -> dict[str, Any]:
    try:
        # The id becomes part of file names, the state decides what is done, the size how much is fetched.
        ids.parse_trade(resource["id"])
        TradeState(resource["state"])
        if resource["package"] is not None:
            fields.record(resource["package"], _PACKAGE)
        if resource.get("remedy") is not None:
            fields.record(resource["remedy"], _REMEDY)
    except (KeyError, TypeError, ValueError, MarketError) as error:
        raise ClientError(GATEWAY_ANSWER, "the gateway's trade is malformed") from error
    return resource


def await_state(market: Market, trade: str, states: frozenset[str]) -> dict[str, Any]:
    """Return the trade once it is in one of ``states``, told by the gateway's event stream.

    Where the gateway has no stream to spare, it is asked once a second.

    Raises:
        ClientError: there is no such trade, it has ended in another state (WRONG_STATE), or the stream broke off.
    """
    while True:
        try:
            resource = _follow(market, trade, states)
        except ClientError as error:
            if error.code != ErrorCode.BUSY:
                raise
            resource = _look(market, trade, states)
            if resource is None:
                time.sleep(_POLL_S)
        if resource is not None:
            return resource
        # The gateway ended the stream, as it does when it stops: the next one starts with a look.


def _follow(market: Market, trade: str, states: frozenset[str]) -> dict[str, Any] | None:
    with market.http.events(f"/v1/events?subject={trade}") as lines:
        # Looked at after the stream began: what happens from here on is in the stream.
        resource = _look(market, trade, states)
        while resource is None and (line := next(lines, None)) is not None:
            if line.startswith("data:"):
                resource = _look(market, trade, states)
        return resource


def _look(market: Market, trade: str, states: frozenset[str]) -> dict[str, Any] | None:
    resource = show(market, trade)
    if resource["state"] in states:
        return resource
    if TradeState(resource["state"]).final:
        raise ClientError(
            ErrorCode.WRONG_STATE, f"the trade has ended: {resource['state']} ({resource.get('outcome')})"
        )
    return None
