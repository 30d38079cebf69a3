"""Which trade a request is about, so that whoever reads a log finds its lines."""

from typing import Any

from countermark.platform.store.outbox.entry import Request
from countermark.protocol import canonical, ids
from countermark.protocol.encoding import unb64u


def trade_of(request: Request) -> str:
    """Return the id of the trade that `request` makes or acts on, "" where it is about none.

    Its intent was verified before it was saved, so it is only read here.
    """
    if not request.function.startswith("trade."):
        return ""
    intent = request.intent
    if intent is None:
        return request.args[0].decode()
    payload: Any = canonical.loads(unb64u(request.args[0].decode().split(".")[1]), canonical=False)
    params = payload["params"]
    if "trade" in params:
        return str(params["trade"])
    return ids.trade_id(market=payload["market"], listing=params["listing"], buyer=intent.signer, nonce=intent.nonce)
