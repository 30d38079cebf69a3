"""The keys that an intent names, told before its function runs, so that a peer is asked for all of them at once."""

from collections.abc import Callable, Mapping
from typing import Final

from countermark.chaincode import state
from countermark.protocol.intents import Intent

_ENTITIES: Final[Mapping[str, Callable[[str], str]]] = {
    "account": state.account,
    "claim": state.claim,
    "listing": state.listing,
    "to": state.account,
    "trade": state.trade,
}
"""Parameters that name an entity, and where it stands."""


def named(intent: Intent) -> list[str]:
    """Return the keys of the entities in the intent's parameters.

    Whichever function takes these, it reads all of them wherever it succeeds: to read them ahead adds nothing to the
    read set, by which a transaction conflicts with others.
    """
    return [key(intent.params[name]) for name, key in _ENTITIES.items() if name in intent.params]
