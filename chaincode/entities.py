"""Read accounts, listings, trades and claims of the state by name; each that is missing has its own refusal."""

from countermark.chaincode import state
from countermark.chaincode.context import Reader
from countermark.chaincode.records.account import Account
from countermark.chaincode.records.claim import Claim
from countermark.chaincode.records.listing import Listing
from countermark.chaincode.records.trade import Trade
from countermark.protocol import ids
from countermark.protocol.errors import ErrorCode


async def read_account(reader: Reader, address: str) -> Account:
    """Return the account of ``address``, whatever its state.

    Raises:
        MarketError: UNKNOWN_ACCOUNT.
    """
    key = state.account(address)
    return Account.from_json(
        await reader.read(key, ErrorCode.UNKNOWN_ACCOUNT, f"{address} has not opened an account")
    )


async def read_listing(reader: Reader, address: object) -> Listing:
    """Return the listing at ``address``.

    Raises:
        MarketError: UNKNOWN_LISTING.
    """
    key = state.listing(ids.parse_listing(address))
    return Listing.from_json(await reader.read(key, ErrorCode.UNKNOWN_LISTING, "there is no such listing"))


async def read_trade(reader: Reader, trade_id: object) -> Trade:
    """Return the trade of that id.

    Raises:
        MarketError: UNKNOWN_TRADE.
    """
    key = state.trade(ids.parse_trade(trade_id))
    return Trade.from_json(await reader.read(key, ErrorCode.UNKNOWN_TRADE, "there is no such trade"))


async def read_claim(reader: Reader, claim_id: object) -> Claim:
    """Return the claim of that id.

    Raises:
        MarketError: UNKNOWN_CLAIM.
    """
    key = state.claim(ids.parse_claim(claim_id))
    return Claim.from_json(await reader.read(key, ErrorCode.UNKNOWN_CLAIM, "there is no such claim"))
