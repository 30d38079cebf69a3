"""Contracts (listings): registered once for each data, offered, charged, withdrawn and relisted by their owner."""

from dataclasses import replace

from countermark.chaincode import purse, state
from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.contracts.registration import claim_exact_key, read_opening
from countermark.chaincode.entities import read_listing
from countermark.chaincode.records.listing import Listing, Offer
from countermark.protocol import claims, ids
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import ListingState, next_listing_state


async def create(tx: Transaction) -> Answer:
    """Make the contract of a seller's data after the platform's gate has passed it (steps (5), (6)).

    The commitments are recomputed from the opening in the transient map, which goes to the private collection.

    Raises:
        MarketError: NOT_PERMITTED; UNKNOWN_GENERATOR, TOO_MANY_ITEMS, WRONG_DEADLINES, COMMITMENT_MISMATCH,
            DESCRIPTION_MALFORMED; LISTING_EXISTS, ALREADY_REGISTERED, ALREADY_LISTED, RELIST_EXISTING; of a contract
            that it is a part of, UNKNOWN_LISTING, WRONG_ACTOR, WRONG_STATE, LISTING_CLAIMED.
    """
    rules, params = tx.rules, tx.params
    tx.require_organisation(rules.platform.msp_id)
    if params["generator"] not in rules.generators:
        raise MarketError(ErrorCode.UNKNOWN_GENERATOR, "the market does not accept this generator")
    rules.check_deadlines(params["offer"]["deadlines"])
    opening = read_opening(tx)
    address = ids.listing_address(market=tx.market, c_f=params["c_f"], seller=tx.signer, nonce=tx.intent.nonce)
    if await tx.find(state.listing(address)) is not None:
        raise MarketError(ErrorCode.LISTING_EXISTS, "the listing exists already")
    exact_key = await claim_exact_key(tx, opening, address)
    split = await _split(tx)
    waits = rules.management_fee > 0
    listing = Listing(
        address=address,
        seller=tx.signer,
        owner=tx.signer,
        state=ListingState.PENDING_FEE if waits else ListingState.LISTED,
        c_f=params["c_f"],
        c_d=params["c_d"],
        c_exact=params["c_exact"],
        items=params["items"],
        generator=params["generator"],
        overlaps=[parent.address for parent in split],
        offer=Offer.from_params(params["offer"], version=1),
        exact_key=exact_key,
        management_fee=rules.management_fee,
        created_at_ms=tx.now_ms,
        created_tx=tx.tx_id,
        market_version=rules.version,
        guard_s=rules.guard_s,
        deadline_ms=tx.after(rules.management_s) if waits else None,
    )
    tx.put_private(state.opening(address), opening.to_json())
    for parent in split:
        _write(tx, parent)
    return _write(tx, listing)


async def _split(tx: Transaction) -> list[Listing]:
    """Return the seller's own contracts that share data with the new one, split: they are never sold whole again.

    So no two live offers are ever for the same item (A-09).
    """
    parents = []
    for address in sorted(set(tx.attached("overlaps"))):
        parent = await read_listing(tx, address)
        parent.check_owner(tx.signer)
        parent.check_unclaimed()
        if not claims.replaceable(parent.state, awarded=bool(parent.awarded)):
            raise MarketError(ErrorCode.WRONG_STATE, f"a listing in state {parent.state} cannot be split")
        parents.append(replace(parent, state=ListingState.PARTITIONED, deadline_ms=None))
    return parents


async def charge(tx: Transaction) -> Answer:
    """Pay the management fee to the platform, which puts the listing on the market (step (8)).

    Raises:
        MarketError: UNKNOWN_LISTING, WRONG_ACTOR, WRONG_STATE, DEADLINE_PASSED, WRONG_AMOUNT, a code of `purse.take`.
    """
    listing = await _owned(tx)
    target = next_listing_state(listing.state, "listing.charge")
    tx.check_before(listing.deadline_ms)
    if int(tx.params["amount"]) != listing.management_fee:
        raise MarketError(ErrorCode.WRONG_AMOUNT, "the management fee is another")
    payment = await purse.take(tx, listing.management_fee)
    purse.make(tx, tx.rules.platform.account, listing.management_fee)
    purse.settle_payment(tx, payment)
    return _write(tx, replace(listing, state=target, deadline_ms=None, awarded=""))


async def offer(tx: Transaction) -> Answer:
    """Replace the offer by a new version.

    Raises:
        MarketError: UNKNOWN_LISTING, WRONG_ACTOR, WRONG_STATE, WRONG_DEADLINES, LISTING_CLAIMED.
    """
    return await _offer(tx, "listing.offer")


async def withdraw(tx: Transaction) -> Answer:
    """Take the listing off the market.

    Raises:
        MarketError: UNKNOWN_LISTING, WRONG_ACTOR, WRONG_STATE.
    """
    listing = await _owned(tx)
    return _write(tx, replace(listing, state=next_listing_state(listing.state, "listing.withdraw")))


async def relist(tx: Transaction) -> Answer:
    """Put a withdrawn or bought thing on the market again, on the same contract (A-06).

    Raises:
        MarketError: UNKNOWN_LISTING, WRONG_ACTOR, WRONG_STATE, WRONG_DEADLINES, LISTING_CLAIMED; NOT_FOR_SALE when it
            was erased.
    """
    return await _offer(tx, "listing.relist")


async def enforce(tx: Transaction, address: str) -> Answer:
    """Void a listing whose management fee was not paid in time; anyone may, and again without effect.

    Raises:
        MarketError: UNKNOWN_LISTING; WRONG_STATE when no deadline runs; NOT_DUE.
    """
    listing = await read_listing(tx, address)
    if listing.state is ListingState.VOID:
        return _answer(listing)
    target = next_listing_state(listing.state, "listing.enforce")
    tx.check_due(listing.deadline_ms, listing.guard_s)
    tx.put(state.exact(listing.exact_key), {"listing": listing.address, "status": "VOID"})
    return _write(tx, replace(listing, state=target, deadline_ms=None))


async def _owned(tx: Transaction) -> Listing:
    listing = await read_listing(tx, tx.params["listing"])
    listing.check_owner(tx.signer)
    return listing


async def _offer(tx: Transaction, function: str) -> Answer:
    listing = await _owned(tx)
    target = next_listing_state(listing.state, function)
    listing.check_unclaimed()
    if listing.erased:
        raise MarketError(ErrorCode.NOT_FOR_SALE, "the listing was erased")
    tx.rules.check_deadlines(tx.params["offer"]["deadlines"])
    new = Offer.from_params(tx.params["offer"], version=listing.offer.version + 1)
    return _write(tx, replace(listing, state=target, offer=new, awarded=""))


def _write(tx: Transaction, listing: Listing) -> Answer:
    tx.put(state.listing(listing.address), listing.to_json())
    return _answer(listing)


def _answer(listing: Listing) -> Answer:
    return Answer(listing.address, listing.state, (listing.owner,), {"offer_version": listing.offer.version})
