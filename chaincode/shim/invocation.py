"""Run one invocation to its response, whatever the contract does."""

import logging

from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.stub import ERROR, Handler, Response, Stub
from countermark.protocol.errors import ErrorCode, MarketError

_log = logging.getLogger(__name__)


async def answer(handler: Handler, stub: Stub) -> Response:
    """Return the handler's response, or the refusal that stands for what it raised; raises nothing.

    An invocation that is never answered blocks every block commit of its channel on that peer, so this is the
    outermost loop of a contract: every exception ends here, and an unexpected one is logged with its trace.
    """
    try:
        return await handler(stub)
    except (MarketError, ShimError) as error:
        _log.info("%.80r refused in %s: %s", stub.function, stub.tx_id, error)
        return refusal(error)
    except Exception:  # the outermost loop of an invocation
        _log.exception("%.80r failed in %s", stub.function, stub.tx_id)
        return refusal(MarketError(ErrorCode.INTERNAL, "the contract failed; its log says why"))


def refusal(error: MarketError | ShimError) -> Response:
    """Return the response of status 500 that carries `error` as `{"code","detail"}`."""
    if isinstance(error, ShimError):
        error = MarketError(ErrorCode.LEDGER_UNAVAILABLE, str(error))
    return Response(ERROR, message=error.to_json().decode())
