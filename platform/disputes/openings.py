"""Keep the openings of disputed trades: the buyer's one-time key, sealed to arbiter and substitute.

Neither this platform nor the ledger can read them; their digests stand in `trade.open`.
"""

from collections.abc import Mapping
from typing import Any

from countermark.platform.ports import ObjectStore
from countermark.protocol import canonical
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent

COMMITTED = {"arbiter": "opening", "substitute": "substitute_opening"}
"""The parameter of `trade.open` that carries the digest of each one's sealed opening."""


def object_name(trade: str, committed: str) -> str:
    """Return the name of the object that holds the opening of ``trade`` with the digest ``committed``."""
    return f"openings/{trade}/{committed.removeprefix('sha256:')}"


class Openings:
    """Takes openings. May be shared between threads and processes."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def store(self, intent: Intent, openings: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the sealed ``openings`` (by who may decide) to which ``intent``, a `trade.open`, commits.

        Raises:
            MarketError: COMMITMENT_MISMATCH, STORE_UNAVAILABLE.
        """
        encoded = {judge: canonical.dumps(openings[judge]) for judge in COMMITTED}
        for judge, parameter in COMMITTED.items():
            if digest(encoded[judge]) != intent.params[parameter]:
                raise MarketError(ErrorCode.COMMITMENT_MISMATCH, f"the {judge}'s opening is not the one committed to")
        for judge, parameter in COMMITTED.items():
            self._put(object_name(intent.params["trade"], intent.params[parameter]), encoded[judge])

    def _put(self, name: str, data: bytes) -> None:
        try:
            self._objects.append(name, 0, [data])
        except MarketError as error:
            # There already: the same request came before.
            if error.code is not ErrorCode.WRONG_STATE:
                raise
        self._objects.seal(name, len(data))
