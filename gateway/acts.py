"""What routes of trades have in common: intents of those who have a part in a trade, here or passed on."""

from collections.abc import Callable

import flask

from countermark.gateway.api import answer, gateway, request, wait_s
from countermark.platform.store.sql import Connection
from countermark.platform.trades import load_trade
from countermark.protocol.intents import Intent


def act(trade: str, token: str, action: str) -> flask.Response:
    """Bring the intent of ``token`` for ``action`` on ``trade``, which the path names, to the ledger.

    Raises:
        MarketError: a code of `Writes.parse` or `Writes.ask`; UNKNOWN_TRADE to who has no part in it.
    """
    writes = gateway().writes
    intent = writes.parse(token, action, trade=trade)
    return answer(writes.ask(intent, wait_s=wait_s(), may=insiders_only(intent)))


def ledger_first(intent: Intent, may: Callable[[Connection], None] | None) -> flask.Response:
    """Bring ``intent`` to the ledger, and pass what came with it on to the platform, for whom or with whom it stays.

    In this order the platform cannot make a party miss a deadline. Who is told that it is away asks again, and the
    same intent has no other effect. ``may`` as of `Writes.ask`.

    Raises:
        MarketError: a code of `Writes.ask`; PLATFORM_UNAVAILABLE; what ``may`` raises.
    """
    passing = gateway().passing
    assert passing is not None
    gateway().writes.ask(intent, wait_s=wait_s(), may=may)
    return passing.pass_on(request().get_data())


def insiders_only(intent: Intent) -> Callable[[Connection], None]:
    """Return a check that the intent's signer has a part in the trade that it names."""

    def may(connection: Connection) -> None:
        load_trade(connection, intent.params["trade"]).role(intent.signer)

    return may
