"""Plain arguments of an invocation."""

import re

from countermark.chaincode.shim.stub import Stub
from countermark.protocol.errors import ErrorCode, MarketError

MAX_ARGUMENT = 128 * 1024
"""Longest argument in bytes; a whole market configuration fits."""


_DECIMAL = re.compile(r"0|[1-9][0-9]*")


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


def decimal(text: str, low: int, high: int) -> int:
    """Return the number from ``low`` to ``high`` that ``text`` spells in decimal digits, without leading zeros.

    Raises:
        MarketError: MALFORMED_REQUEST.
    """
    # The length first: to read thousands of digits takes long, or is an error of Python's.
    if len(text) > len(str(high)) or not _DECIMAL.fullmatch(text) or not low <= int(text) <= high:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"a decimal number from {low} to {high} is expected")
    return int(text)
