"""Plain arguments of an invocation."""

from countermark.chaincode.shim.stub import Stub
from countermark.protocol.errors import ErrorCode, MarketError

MAX_ARGUMENT = 128 * 1024
"""Longest argument in bytes; a whole market configuration fits."""


def arguments(stub: Stub, count: int) -> list[str]:
    """Return the invocation's ``count`` arguments as text.

    Raises:
        MarketError: MALFORMED_REQUEST for another number or no UTF-8; TOO_LARGE.
    """
    if len(stub.args) != count:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{stub.function} takes {count} arguments")
    if any(len(argument) > MAX_ARGUMENT for argument in stub.args):
        raise MarketError(ErrorCode.TOO_LARGE, f"an argument has at most {MAX_ARGUMENT} bytes")
    try:
        return [argument.decode() for argument in stub.args]
    except UnicodeDecodeError:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "an argument is not UTF-8") from None
