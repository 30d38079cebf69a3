"""JSON: canonical documents, the market's configuration, and the records of coins, trades and listings in blocks."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from countermark.audit import records as audited
from countermark.audit.errors import AuditError
from countermark.platform.projection import records as projected
from countermark.protocol import canonical, market, market_rules
from countermark.protocol.errors import MarketError
from tests.fixtures.ledger import Recorded
from tests.fuzz import bytewise, jsonwise
from tests.fuzz.decoder import Decoder
from tests.support.market import Market, config_json

_PROJECTED: dict[str, Callable[[Any], object]] = {
    name: getattr(projected, name)
    for name in ("account", "coin", "deposit", "redemption", "listing", "trade", "intent", "anchor", "epoch")
}
"""What the projector makes of a record, by the family of its key."""


def _state() -> dict[str, bytes]:
    """Return the world state of a market with a trade that was settled and one under way, by key."""
    backend = Recorded()
    founded = Market(backend)
    founded.act("trade.confirm", founded.bring_to("MATCHED"))
    founded.bring_to("EVIDENCED", founded.list_data(data=b"other")["id"])
    return dict(backend.channel.state)


def decoder() -> Decoder:
    """Return the decoder of JSON documents."""
    state = _state()
    config = jsonwise.spell(config_json())
    corpus = [config, *state.values()]
    families = sorted({audited.family(key) for key in state})
    keys = {family: [key for key in state if audited.family(key) == family] for family in families}

    def make(random: Random) -> tuple[str, bytes]:
        if random.random() < 0.2:
            return "", jsonwise.change(random, config, corpus)
        key = random.choice(keys[random.choice(families)])
        change = jsonwise.change if random.random() < 0.8 else bytewise.change
        return key, change(random, state[key], corpus)

    return Decoder(make, _read, (MarketError, AuditError, KeyError, TypeError, ValueError))


def _read(case: tuple[str, bytes]) -> None:
    key, data = case
    value = canonical.loads(data)
    assert canonical.dumps(value) == data, "a document has one encoding"
    assert json.loads(data) == value
    if not key:
        market_rules.check(market.parse(value))
        return
    try:
        audited.parse(key, data)
    except AuditError:
        _project(key, value)
        raise
    _project(key, value)


def _project(key: str, value: Any) -> None:
    """Make columns of a record.

    Raises:
        KeyError, TypeError, ValueError, MarketError: as `projection.records` says.
    """
    family = audited.family(key)
    if family == "board":
        family = "anchor"
    if family in _PROJECTED:
        _PROJECTED[family](value)
