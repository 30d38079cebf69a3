"""The resources of the HTTP API, one module for each noun."""

from flask_openapi3.blueprint import APIBlueprint

from countermark.gateway.routes import (
    accounts,
    audit,
    board,
    claims,
    disputes,
    events,
    fingerprints,
    health,
    listings,
    market,
    packages,
    searches,
    trades,
    transactions,
    webhooks,
)

BLUEPRINTS: tuple[APIBlueprint, ...] = (
    market.api,
    accounts.api,
    listings.api,
    fingerprints.api,
    searches.api,
    trades.api,
    disputes.api,
    claims.api,
    packages.api,
    board.api,
    transactions.api,
    events.api,
    webhooks.api,
    audit.api,
    health.api,
)
