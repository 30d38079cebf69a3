"""Legal holds by the supervisor's order, and the erasure of what a contract keeps in private by its owner's wish."""

from dataclasses import replace

from countermark.chaincode import state
from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.entities import read_listing
from countermark.chaincode.records.listing import Listing
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import next_listing_state


async def hold(tx: Transaction) -> Answer:
    """Order that nothing be deleted of a contract and of its trades; the supervisor's legal hold.

    It stops no sale.

    Raises:
        MarketError: UNKNOWN_LISTING; NOT_PERMITTED, WRONG_ACTOR; WRONG_STATE where there is such an order.
    """
    return await _order(tx, held=True)


async def release(tx: Transaction) -> Answer:
    """Take back the supervisor's legal hold.

    Raises:
        MarketError: UNKNOWN_LISTING; NOT_PERMITTED, WRONG_ACTOR; WRONG_STATE where there is no such order.
    """
    return await _order(tx, held=False)


async def erase(tx: Transaction) -> Answer:
    """Purge the contract's opening from the private collection, for good, by the owner's wish.

    Commitments and exact key stay: nobody else registers the same bytes, but copies of another form are no longer
    known. The collection takes writes from its members' clients only, so platform or supervisor submits it.

    Raises:
        MarketError: UNKNOWN_LISTING, WRONG_ACTOR; NOT_PERMITTED; WRONG_STATE while it is on the market, or where it
            was erased before; LISTING_CLAIMED; LEGAL_HOLD.
    """
    listing = await read_listing(tx, tx.params["listing"])
    listing.check_owner(tx.signer)
    if tx.rules.organisations.get(tx.stub.creator_mspid) not in ("platform", "supervisor"):
        raise MarketError(ErrorCode.NOT_PERMITTED, "only platform or supervisor may submit an erasure")
    next_listing_state(listing.state, "listing.erase")
    if listing.erased:
        raise MarketError(ErrorCode.WRONG_STATE, "the listing was erased before")
    listing.check_unclaimed()
    if listing.held:
        raise MarketError(ErrorCode.LEGAL_HOLD, "the supervisor has ordered that nothing of the listing be deleted")
    tx.purge_private(state.opening(listing.address))
    return _write(tx, replace(listing, erased=True))


async def _order(tx: Transaction, *, held: bool) -> Answer:
    tx.require_party(tx.rules.supervisor)
    listing = await read_listing(tx, tx.params["listing"])
    if listing.held is held:
        raise MarketError(ErrorCode.WRONG_STATE, f"the listing is {'' if held else 'not '}under a legal hold")
    return _write(tx, replace(listing, held=held))


def _write(tx: Transaction, listing: Listing) -> Answer:
    tx.put(state.listing(listing.address), listing.to_json())
    return Answer(listing.address, listing.state, (listing.owner,))
