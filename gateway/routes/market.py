"""/v1/market: what everybody must know before he acts."""

from typing import Annotated

import flask
from pydantic import Field

from countermark.gateway.api import blueprint, services
from countermark.gateway.formats import Amount, Time
from countermark.gateway.schemas import Resource
from countermark.gateway.services import PlatformSite, Site
from countermark.platform.contracts.market import load_market
from countermark.platform.views import progress
from countermark.protocol import times

api = blueprint("market", "The market's configuration")


class Height(Resource):
    """The ledger as far as this gateway has read it."""

    height: Annotated[int, Field(ge=0, description="in blocks")]


class Search(Resource):
    """What an account may ask by sample, searches and traces together, and what more of it costs."""

    free: Annotated[int, Field(ge=1, description="inquiries in a window")]
    samples: Annotated[int, Field(ge=1, description="samples of all of them")]
    window_s: Annotated[int, Field(ge=1, description="seconds")]
    price: Annotated[Amount, Field(description="of each sample above that, minor units")]


class Market(Resource):
    """The market's name, its configuration in force, and the gateway's time."""

    market: Annotated[
        str, Field(description="channel/chaincode", json_schema_extra={"example": "market/countermark"})
    ]
    config: dict[str, object]
    ledger: Height
    search: Annotated[Search | None, Field(description="null where the platform's gateway has to be asked")]
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
            "search": _search(services().site),
            "time": times.to_text(services().clock()),
        }
    )


def _search(site: Site) -> dict[str, int | str] | None:
    if not isinstance(site, PlatformSite):
        return None
    allowance = site.allowance
    return {
        "free": allowance.inquiries.most,
        "samples": allowance.samples.most,
        "window_s": allowance.inquiries.window_ms // 1000,
        "price": str(allowance.price),
    }
