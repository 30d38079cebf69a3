"""/v1/market: what everybody must know before he acts."""

from typing import Annotated

import flask
from pydantic import Field

from countermark.gateway.api import blueprint, services
from countermark.gateway.formats import Time
from countermark.gateway.schemas import Resource
from countermark.platform.contracts.market import load_market
from countermark.platform.views import progress
from countermark.protocol import times

api = blueprint("market", "The market's configuration")


class Height(Resource):
    """The ledger as far as this gateway has read it."""

    height: Annotated[int, Field(ge=0, description="in blocks")]


class Market(Resource):
    """The market's name, its configuration in force, and the gateway's time."""

    market: Annotated[
        str, Field(description="channel/chaincode", json_schema_extra={"example": "market/countermark"})
    ]
    config: dict[str, object]
    ledger: Height
    time: Time


@api.get("/v1/market", responses={200: Market})
def show() -> flask.Response:
    """Return the configuration in force: platform key, fees, generators, limits."""
    with services().database.autocommit() as connection:
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
