"""/v1/events: what happens on the ledger, as a stream."""

from typing import Annotated

import flask
from pydantic import Field

from countermark.gateway.api import SIGNED, Query, account, blueprint, gateway
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("events", "What happens on the ledger")

_LONGEST_ID = 18
"""Digits of an event's number."""


class EventsQuery(Query):
    """Which events to tell."""

    subject: Annotated[str, Field(max_length=100, description="a trade or a listing")] = ""


@api.get(
    "/v1/events",
    responses={200: {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    security=SIGNED,
)
def stream(query: EventsQuery) -> flask.Response:
    """Stream the events that concern the account, and those of listings on the market (Server-Sent Events).

    `Last-Event-ID` goes on after an event that was seen; without it the stream begins now.
    """
    events = gateway().streams.open(account(), subject=query.subject, last_id=_last_id())
    response = flask.Response(iter(events), mimetype="text/event-stream")
    response.call_on_close(events.close)
    response.headers["Cache-Control"] = "no-store"
    return response


def _last_id() -> int | None:
    text = flask.request.headers.get("Last-Event-ID", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "Last-Event-ID is a number of this stream")
    return int(text)
