"""Whose intent asked for a transaction: the account's own signature, read out of the block."""

from countermark.audit.errors import AuditError
from countermark.network.blocks import Transaction
from countermark.protocol import actions, intents
from countermark.protocol.errors import MarketError
from countermark.protocol.intents import Intent

UNSIGNED: frozenset[str] = frozenset(
    {
        "market.init",
        "market.enforce",
        "clock.tick",
        "coin.enforce",
        "listing.enforce",
        "trade.enforce",
        "claim.enforce",
    }
)
"""Functions that anybody may call, and the founding, which founder and supervisor endorse."""

_DAY_S = 86_400
"""The longest that any market lets an intent live, in seconds."""


def read_intent(transaction: Transaction) -> Intent | None:
    """Return the intent that ``transaction`` carries; None where the market needs none.

    Raises:
        AuditError: ``intent``; the organisations endorsed an act that nobody has signed, or signed for then.
    """
    function = transaction.function
    if function in UNSIGNED:
        return None
    market = f"{transaction.channel}/{transaction.chaincode}"
    if function not in actions.PARAMS:
        raise AuditError("intent", "the market has no function of that name")
    try:
        intent = intents.parse(transaction.args[0].decode(), market=market, action=function)
        intents.check_time(intent, transaction.timestamp_ms, longest_s=_DAY_S)
    except (MarketError, IndexError, UnicodeDecodeError) as error:
        raise AuditError("intent", f"{function} without a signed intent that holds: {error}") from error
    return intent
