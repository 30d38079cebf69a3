"""/healthz, /readyz, /metrics: for those who run the gateway."""

import flask

from countermark.gateway import metrics
from countermark.gateway.api import blueprint, gateway
from countermark.gateway.schemas import Resource

api = blueprint("health", "For those who run the gateway")


_TIME_WINDOW = {True: "checked", False: "not checked", None: "unknown"}
_STORE = {True: "up", False: "away", None: "none"}
_CLOCK = {True: "right", False: "wrong", None: "unknown"}


class Health(Resource):
    """The process runs."""

    status: str


class Ready(Resource):
    """The state of each part, and the names of those that are away."""

    ready: bool
    database: str
    ledger: str
    store: str
    time_window: str
    clock: str
    projector: dict[str, int | None]
    index: dict[str, int | None]
    away: list[str]


@api.get("/healthz", responses={200: Health})
def healthz() -> dict[str, str]:
    """Tell that the process runs."""
    return {"status": "ok"}


@api.get("/readyz", responses={200: Ready, 503: Ready})
def readyz() -> tuple[flask.Response, int]:
    """Tell whether requests can be served, and which part is away otherwise."""
    state = gateway().readiness.check()
    document = {
        "ready": state.ready,
        "database": "up" if state.database else "away",
        "ledger": "up" if state.ledger else "away",
        "store": _STORE[state.store],
        "time_window": _TIME_WINDOW[state.time_window],
        "clock": _CLOCK[state.clock],
        "projector": {"lag_blocks": state.lag},
        "index": {"stale_rows": state.stale},
        "away": list(state.away),
    }
    return flask.jsonify(document), 200 if state.ready else 503


@api.get(
    "/metrics",
    responses={200: {"description": "Figures", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def figures() -> flask.Response:
    """Return the figures of this process for Prometheus."""
    return flask.Response(gateway().services.metrics.text(), content_type=metrics.CONTENT_TYPE)
