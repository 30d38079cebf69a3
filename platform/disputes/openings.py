"""Keep the openings of disputed trades: the buyer's one-time key, sealed to arbiter and substitute.

Neither this platform nor the ledger can read them; their digests stand in `trade.open`. Each is given to the one who
decides now, and to nobody else. They go when the trade's package goes (`relay.retention`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from countermark.platform.ports import ObjectStore
from countermark.platform.store.objects import keep
from countermark.platform.store.quotas import Quota
from countermark.platform.store.sql import Connection
from countermark.platform.trades import WrongStateError, load_trade
from countermark.platform.views.intents import find_done
from countermark.protocol import canonical
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from countermark.protocol.transitions import TradeState

COMMITTED = {"arbiter": "opening", "substitute": "substitute_opening"}
"""The parameter of `trade.open` that carries the digest of each one's sealed opening."""

HANDED_IN = Quota("opening", most=100, window_ms=3_600_000)
"""How often an account may hand in openings: a trade needs them once, but each counts until `trade.open` commits."""


def folder(trade: str) -> str:
    """Return what the names of all openings of ``trade`` begin with."""
    return f"openings/{trade}"


def object_name(trade: str, committed: str) -> str:
    """Return the name of the object that holds the opening of ``trade`` with the digest ``committed``."""
    return f"{folder(trade)}/{committed.removeprefix('sha256:')}"


class Openings:
    """Takes openings and hands them out. May be shared between threads and processes."""

    def __init__(self, objects: ObjectStore, *, clock: Callable[[], int], quota: Quota = HANDED_IN) -> None:
        """Create the service; ``clock`` gives the time in ms since the epoch."""
        self._objects = objects
        self._clock = clock
        self._quota = quota

    def store(self, connection: Connection, intent: Intent, openings: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the sealed ``openings`` (by who may decide) to which ``intent``, a fresh `trade.open`, commits.

        Nothing is kept that the trade, as of the last block applied, does not wait for.

        Raises:
            MarketError: UNKNOWN_TRADE, WRONG_ACTOR, WRONG_STATE, COMMITMENT_MISMATCH, RATE_LIMITED,
                STORE_UNAVAILABLE.
        """
        trade = load_trade(connection, intent.params["trade"])
        if trade.role(intent.signer) != "buyer":
            raise MarketError(ErrorCode.WRONG_ACTOR, "trade.open is for the buyer")
        # What the ledger has taken by way of another gateway has changed the trade's state.
        if trade.state is not TradeState.DISPUTED and find_done(connection, intent) is None:
            raise WrongStateError(trade, intent.signer, "trade.open is not possible")
        encoded = {judge: canonical.dumps(openings[judge]) for judge in COMMITTED}
        for judge, parameter in COMMITTED.items():
            if digest(encoded[judge]) != intent.params[parameter]:
                raise MarketError(ErrorCode.COMMITMENT_MISMATCH, f"the {judge}'s opening is not the one committed to")
        self._quota.spend(connection, intent.signer, now_ms=self._clock())
        for judge, parameter in COMMITTED.items():
            keep(self._objects, object_name(trade.id, intent.params[parameter]), encoded[judge])

    def find(self, connection: Connection, trade: str, *, account: str) -> dict[str, Any]:
        """Return the opening that is sealed to ``account``, who decides ``trade`` now.

        Raises:
            MarketError: UNKNOWN_TRADE, WRONG_ACTOR; NOT_FOUND where it is not here; STORE_UNAVAILABLE.
        """
        view = load_trade(connection, trade)
        if not view.decides(account):
            raise MarketError(ErrorCode.WRONG_ACTOR, "openings are for the one who decides now")
        stored = b"".join(self._objects.read(object_name(trade, view.openings[view.decider])))
        opening: dict[str, Any] = canonical.loads(stored)
        return opening
