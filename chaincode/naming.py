"""The keys that an intent names, told before its function runs, so that a peer is asked for all of them at once."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from countermark.chaincode import purse, state
from countermark.protocol.intents import Intent

_ENTITIES: Final[Mapping[str, Callable[[str], str]]] = {
    "account": state.account,
    "listing": state.listing,
    "to": state.account,
    "trade": state.trade,
}
"""Parameters that name an entity, and where it stands."""


def named(intent: Intent, attachments: Mapping[str, Any]) -> list[str]:
    """Return the keys of the entities in the intent's parameters and of the attached coins.

    Whichever function takes these, it reads all of them wherever it succeeds: to read them ahead adds nothing to the
    read set, by which a transaction conflicts with others.
    """
    entities = [key(intent.params[name]) for name, key in _ENTITIES.items() if name in intent.params]
    # What cannot be a coin's id is refused by whoever looks for the coin, and makes no key.
    coins = [state.coin(coin) for coin in attachments.get("coins", ()) if purse.is_coin_id(coin)]
    return [*entities, *coins]
