"""Every contract function by name: how it is called and what runs. Documents and tests read this table too."""

from collections.abc import Mapping

from countermark.chaincode.calling import ByIntent, EvaluateOnly, Founding, Function, Open
from countermark.chaincode.contracts import (
    account,
    audit,
    board,
    claim,
    clock,
    coin,
    erasure,
    intent,
    listing,
    market,
    trade,
)
from countermark.chaincode.shim.stub import Response, Stub
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError

MAX_COINS = 256
"""Most coins that one transaction may spend."""
MAX_LISTINGS = 256
"""Most listings that one transaction may name."""

COINS: Mapping[str, fields.Parser] = {"coins": fields.sequence(fields.text(80), longest=MAX_COINS)}
OVERLAPS: Mapping[str, fields.Parser] = {"overlaps": fields.sequence(fields.listing, longest=MAX_LISTINGS)}
MOVED: Mapping[str, fields.Parser] = {
    **COINS,
    "listings": fields.sequence(fields.listing, longest=MAX_LISTINGS),
}

FUNCTIONS: Mapping[str, Function] = {
    "intent.cancel": ByIntent(intent.cancel, anyone=True),
    "intent.show": EvaluateOnly(intent.show, 2),
    "market.init": Founding(market.founding_config, market.init),
    "market.propose": ByIntent(market.propose),
    "market.approve": ByIntent(market.approve),
    "market.enforce": Open(market.enforce, 2),
    "market.show": EvaluateOnly(market.show, 0),
    "clock.tick": Open(clock.tick, 0),
    "clock.show": EvaluateOnly(clock.show, 0),
    "account.open": ByIntent(account.open_account, anyone=True),
    "account.rotate_encryption_key": ByIntent(account.rotate_encryption_key),
    "account.freeze": ByIntent(account.freeze),
    "account.release": ByIntent(account.release),
    "account.recover": ByIntent(account.recover, MOVED),
    "account.veto": ByIntent(account.veto, anyone=True),
    "coin.mint": ByIntent(coin.mint),
    "coin.transfer": ByIntent(coin.transfer, COINS),
    "coin.redeem": ByIntent(coin.redeem, COINS),
    "coin.burn": ByIntent(coin.burn),
    "coin.enforce": Open(coin.enforce, 1),
    "listing.create": ByIntent(listing.create, OVERLAPS),
    "listing.charge": ByIntent(listing.charge, COINS),
    "listing.offer": ByIntent(listing.offer),
    "listing.withdraw": ByIntent(listing.withdraw),
    "listing.relist": ByIntent(listing.relist),
    "listing.enforce": Open(listing.enforce, 1),
    "listing.hold": ByIntent(erasure.hold),
    "listing.release": ByIntent(erasure.release),
    "listing.erase": ByIntent(erasure.erase),
    "trade.pay": ByIntent(trade.pay, COINS),
    "trade.charge": ByIntent(trade.charge, COINS),
    "trade.cancel": ByIntent(trade.cancel),
    "trade.send": ByIntent(trade.send),
    "trade.relay": ByIntent(trade.relay),
    "trade.ack": ByIntent(trade.ack),
    "trade.check": ByIntent(trade.check),
    "trade.confirm": ByIntent(trade.confirm),
    "trade.accept": ByIntent(trade.accept),
    "trade.dispute": ByIntent(trade.dispute),
    "trade.open": ByIntent(trade.open_package),
    "trade.remedy": ByIntent(trade.remedy),
    "trade.decide": ByIntent(trade.decide),
    "trade.enforce": Open(trade.enforce, 1),
    "claim.open": ByIntent(claim.open_claim, COINS),
    "claim.answer": ByIntent(claim.answer, COINS),
    "claim.decide": ByIntent(claim.decide),
    "claim.enforce": Open(claim.enforce, 1),
    "board.anchor": ByIntent(board.anchor),
    "board.show": EvaluateOnly(board.show, 0),
    "audit.trade": EvaluateOnly(audit.trade, 1),
    "audit.listing": EvaluateOnly(audit.listing, 1),
    "audit.claim": EvaluateOnly(audit.claim, 1),
    "audit.account": EvaluateOnly(audit.account, 1),
    "audit.history": EvaluateOnly(audit.history, 1),
    "audit.page": EvaluateOnly(audit.page, 3),
    "audit.opening": EvaluateOnly(audit.opening, 3),
}


async def handler(stub: Stub) -> Response:
    """Run one invocation; the entry of the chaincode server and of the ledger in memory.

    Raises:
        MarketError: the refusal, which the caller answers with status 500.
        ShimError: the peer refused a request.
    """
    function = FUNCTIONS.get(stub.function)
    if function is None:
        raise MarketError(ErrorCode.UNKNOWN_FUNCTION, "the market has no such function")
    return await function.call(stub)
