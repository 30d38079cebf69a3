"""/v1/market: what everybody must know before he acts."""

import flask

from countermark.gateway.api import Resource, blueprint, services
from countermark.platform.contracts.market import load_market
from countermark.platform.views import progress
from countermark.protocol import times

api = blueprint("market", "The market's configuration")


class Height(Resource):
    """The ledger as far as this gateway has read it."""

    height: int


class Market(Resource):
    """The market's name, its configuration in force, and the gateway's time."""

    market: str
    config: dict[str, object]
    ledger: Height
    time: str


@api.get("/v1/market", responses={200: Market})
def show() -> flask.Response:
    """Configuration, platform key, fees, generators, limits."""
    with services().database.begin() as connection:
        config = load_market(connection)
        height = progress.height(connection)
    return flask.jsonify(
        {
            "market": services().site.market,
            "config": config.to_json(),
            "ledger": {"height": height},
            "time": times.to_text(services().clock()),
        }
    )
