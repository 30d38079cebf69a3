"""/v1/events: what happens on the ledger, as a stream."""

from typing import Annotated

import flask
from pydantic import BaseModel, Field

from countermark.gateway.api import SIGNED, account, blueprint, gateway
from countermark.gateway.schemas import Query
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("events", "What happens on the ledger")

_LONGEST_ID = 18
"""Digits of an event's number."""


class EventsQuery(Query):
    """Which events to tell."""

    subject: Annotated[str, Field(max_length=100, description="a trade or a listing")] = ""


class EventsHeader(BaseModel):
    """From where the stream goes on."""

    last_event_id: Annotated[
        str,
        Field(
            alias="Last-Event-ID",
            description="the number of the last event that was seen",
            json_schema_extra={"example": "42"},
        ),
    ] = ""


@api.get(
    "/v1/events",
    responses={200: {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    security=SIGNED,
)
def stream(query: EventsQuery, header: EventsHeader) -> flask.Response:
    """Stream the events that concern the account, and those of listings on the market (Server-Sent Events).

    `Last-Event-ID` goes on after an event that was seen; without it the stream begins now.
    """
    events = gateway().streams.open(account(), subject=query.subject, last_id=_last_id(header.last_event_id))
    response = flask.Response(iter(events), mimetype="text/event-stream")
    response.call_on_close(events.close)
    response.headers["Cache-Control"] = "no-store"
    return response


def _last_id(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "Last-Event-ID is a number of this stream")
    return int(text)
