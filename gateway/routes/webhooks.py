"""/v1/webhooks: where an account wants to be told of its own events, by requests to an HTTPS server of its own."""

from typing import Annotated, Any

import flask
from pydantic import BaseModel, Field

from countermark.gateway.api import SIGNED, account, blueprint, collection, gateway, platform, services
from countermark.gateway.schemas import Body, PageQuery, Resource
from countermark.platform.webhooks.hooks import HookState, Webhook
from countermark.platform.webhooks.targets import LONGEST_URL
from countermark.protocol import times

api = blueprint("webhooks", "Events told to a server of one's own")


class WebhookPath(BaseModel):
    """A webhook."""

    webhook: Annotated[str, Field(description="the webhook's id")]


class WebhookBody(Body):
    """Where to tell what happens."""

    url: Annotated[
        str,
        Field(
            max_length=LONGEST_URL,
            description="https://…, at an address of the public internet",
            json_schema_extra={"example": "https://shop.example/told"},
        ),
    ]


class WebhookItem(Resource):
    """A webhook, how far its receiver was told, and what became of the last tries."""

    id: str
    url: str
    state: str = Field(description="`ACTIVE`, or `DISABLED` after too many failures; registering it again enables it")
    position: int = Field(description="number of the last event that the receiver has taken")
    failures: int = Field(description="how often the next event was tried in vain")
    last_error: str = Field(description="why the last try failed, empty where it did not")
    next_try_at: str | None = Field(description="not before; null where nothing has failed")
    disabled_at: str | None
    created_at: str


class WebhookList(Resource):
    """A page of webhooks."""

    items: list[WebhookItem]
    next: str | None


_RESPONSES: Any = {204: {"description": "Forgotten"}}


@api.post("/v1/webhooks", responses={200: WebhookItem, 201: WebhookItem}, security=SIGNED)
def register(body: WebhookBody) -> tuple[flask.Response, int]:
    """Tell the account's events of from now on to a URL: 201. One that is there already is enabled again: 200."""
    owner = account()
    with services().database.begin() as connection:
        gateway().writes.count(connection, owner)
        hook, fresh = platform().webhooks.register(connection, owner, body.url)
    response = flask.jsonify(_resource(hook))
    response.headers["Location"] = f"/v1/webhooks/{hook.id}"
    return response, 201 if fresh else 200


@api.get("/v1/webhooks", responses={200: WebhookList}, security=SIGNED)
def browse(query: PageQuery) -> flask.Response:
    """Return one's own webhooks, the oldest first."""
    owner = account()
    with services().database.autocommit() as connection:
        page = platform().webhooks.page(connection, owner, cursor=query.cursor, limit=query.limit)
    return collection(map(_resource, page.webhooks), page.cursor)


@api.get("/v1/webhooks/<webhook>", responses={200: WebhookItem}, security=SIGNED)
def show(path: WebhookPath) -> flask.Response:
    """Return one of one's own webhooks."""
    owner = account()
    with services().database.autocommit() as connection:
        return flask.jsonify(_resource(platform().webhooks.find(connection, owner, path.webhook)))


@api.delete("/v1/webhooks/<webhook>", responses=_RESPONSES, security=SIGNED)
def remove(path: WebhookPath) -> tuple[str, int]:
    """Forget one of one's own webhooks; a delivery that is under way may still arrive."""
    owner = account()
    with services().database.begin() as connection:
        gateway().writes.count(connection, owner)
        platform().webhooks.remove(connection, owner, path.webhook)
    return "", 204


def _resource(hook: Webhook) -> dict[str, object]:
    waits = hook.state is HookState.ACTIVE and hook.failures > 0
    return {
        "id": hook.id,
        "url": hook.url,
        "state": str(hook.state),
        "position": hook.position,
        "failures": hook.failures,
        "last_error": hook.last_error,
        "next_try_at": times.to_text(hook.due_ms) if waits else None,
        "disabled_at": None if hook.disabled_ms is None else times.to_text(hook.disabled_ms),
        "created_at": times.to_text(hook.created_ms),
    }
