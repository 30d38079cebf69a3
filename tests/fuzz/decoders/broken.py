"""A decoder with the faults that a campaign must find: each case does another thing that none may do."""

import os
import signal
from random import Random

from countermark.protocol.errors import ErrorCode, MarketError
from tests.fuzz.decoder import Decoder

CRASH, UNDECLARED, UNBOUNDED = range(1, 4)
"""Numbers of cases."""


def _read(number: int) -> None:
    if number == CRASH:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == UNDECLARED:
        raise RecursionError("somebody else's mistake")
    if number == UNBOUNDED:
        bytearray(8 << 30)
    raise MarketError(ErrorCode.MALFORMED_REQUEST)


def decoder() -> Decoder:
    """Return the decoder whose every input is the number of its case."""
    seeds = {Random(number).random(): number for number in (CRASH, UNDECLARED, UNBOUNDED)}
    return Decoder(lambda random: seeds.get(random.random(), 0), _read, (MarketError,))
