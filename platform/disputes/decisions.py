"""Keep the reasons of decisions for the parties; the digest of each stands in `trade.decide`."""

from collections.abc import Callable
from typing import Any

from countermark.platform.ports import ObjectStore
from countermark.platform.store.objects import keep
from countermark.platform.store.quotas import Quota
from countermark.platform.store.sql import Connection
from countermark.platform.trades import load_trade
from countermark.protocol import canonical
from countermark.protocol.decisions import Reasons
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent

HANDED_IN = Quota("reasons", most=100, window_ms=3_600_000)
"""How often an account may hand in reasons, each of which counts until the decision commits."""


def object_name(trade: str, committed: str) -> str:
    """Return the name of the object that holds the reasons of ``trade`` with the digest ``committed``."""
    return f"decisions/{trade}/{committed.removeprefix('sha256:')}"


class Decisions:
    """Takes reasons and shows them. May be shared between threads and processes."""

    def __init__(self, objects: ObjectStore, *, clock: Callable[[], int], quota: Quota = HANDED_IN) -> None:
        """Create the service; ``clock`` gives the time in ms since the epoch."""
        self._objects = objects
        self._clock = clock
        self._quota = quota

    def store(self, connection: Connection, intent: Intent, reasons: Reasons) -> None:
        """Keep the ``reasons`` to which ``intent``, a `trade.decide`, commits.

        Nothing is kept of whom the trade, as of the last block applied, does not wait for, or who has decided it.

        Raises:
            MarketError: UNKNOWN_TRADE, WRONG_ACTOR, COMMITMENT_MISMATCH, RATE_LIMITED, STORE_UNAVAILABLE.
        """
        trade = load_trade(connection, intent.params["trade"])
        if trade.role(intent.signer) != trade.decider:
            raise MarketError(ErrorCode.WRONG_ACTOR, "reasons are given by the one who decides")
        committed = intent.params["reasons"]
        agrees = (reasons.trade, reasons.finding.decision) == (trade.id, intent.params["decision"])
        if not agrees or reasons.digest != committed or trade.reasons not in ("", committed):
            raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the decision is for other reasons")
        self._quota.spend(connection, intent.signer, now_ms=self._clock())
        keep(self._objects, object_name(trade.id, committed), canonical.dumps(reasons.to_json()))

    def find(self, connection: Connection, trade: str, *, account: str) -> dict[str, Any]:
        """Return the reasons of the decision on ``trade``, in which ``account`` has a part.

        Raises:
            MarketError: UNKNOWN_TRADE, also to strangers; NOT_FOUND where nothing was decided, or no reasons were
                handed in; STORE_UNAVAILABLE.
        """
        view = load_trade(connection, trade)
        view.role(account)
        if not view.reasons:
            raise MarketError(ErrorCode.NOT_FOUND, "nobody has decided this trade")
        return Reasons.from_json(
            canonical.loads(b"".join(self._objects.read(object_name(trade, view.reasons))))
        ).to_json()
