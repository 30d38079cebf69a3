"""The epoch: a key that every writing function reads, so that an envelope held back fails once it has moved on."""

from countermark.chaincode import state
from countermark.chaincode.context import Answer, Reader, Transaction
from countermark.protocol import times
from countermark.protocol.errors import ErrorCode, MarketError


async def tick(tx: Transaction) -> Answer:
    """Begin the next epoch once the market's epoch length has passed since the last tick; anyone may.

    Raises:
        MarketError: NOT_DUE.
    """
    if tx.now_ms < tx.epoch.at_ms + tx.rules.epoch_s * 1000:
        raise MarketError(ErrorCode.NOT_DUE, "the epoch has not passed")
    number = tx.epoch.number + 1
    tx.put(state.EPOCH, {"n": number, "ts": times.to_text(tx.now_ms)})
    return Answer("epoch", str(number))


async def show(reader: Reader) -> object:
    """Return number and time of the last tick.

    Raises:
        MarketError: MARKET_MISSING.
    """
    return await reader.read(state.EPOCH, ErrorCode.MARKET_MISSING, "the market has not been initialised")
