"""Payment: the buyer's money goes into escrow and the contract is reserved for him (step (11))."""

from dataclasses import asdict, replace

from countermark.chaincode import purse, state
from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.contracts.trade import advance
from countermark.chaincode.entities import read_account, read_listing
from countermark.chaincode.records.account import Account, AccountState
from countermark.chaincode.records.listing import Listing
from countermark.chaincode.records.terms import Decider, Terms
from countermark.chaincode.records.trade import Trade
from countermark.protocol import ids, money, settlement
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig, Party
from countermark.protocol.settlement import Part
from countermark.protocol.transitions import TradeState, next_listing_state


async def pay(tx: Transaction) -> Answer:
    """Pay price and bond for the offer that the buyer has signed; what holds now holds until the trade's end.

    Raises:
        MarketError: UNKNOWN_LISTING; ALREADY_RESERVED, NOT_FOR_SALE, LISTING_CLAIMED, OWN_LISTING; STALE_OFFER,
            WRONG_PRICE, WRONG_DEADLINES, COMMITMENT_MISMATCH, WRONG_AMOUNT; NOT_PERMITTED; a code of `purse.take`.
    """
    listing = await read_listing(tx, tx.params["listing"])
    target = next_listing_state(listing.state, "trade.pay")
    _check_agreement(tx, listing)
    await tx.fetch((state.account(listing.owner), *purse.attached_keys(tx)))
    seller = await read_account(tx, listing.owner)
    if seller.state is not AccountState.OPEN:
        raise MarketError(ErrorCode.NOT_FOR_SALE, "the owner's account is frozen")
    terms = _terms(tx, listing, _deciders(tx.rules, seller, tx.account))
    payment = await purse.take(tx, terms.price + terms.bond)
    escrow = advance.hold(tx, terms.id, {Part.PRICE: terms.price, Part.BUYER_BOND: terms.bond})
    purse.settle_payment(tx, payment)
    tx.put(state.listing(listing.address), replace(listing, state=target, trade=terms.id).to_json())
    trade = Trade(
        terms=terms,
        state=TradeState.PAID,
        updated_at_ms=tx.now_ms,
        deadline_ms=tx.after(terms.deadlines["fee"]),
        escrow=escrow,
    )
    tx.put(state.trade(terms.id), trade.to_json())
    return advance.answer(trade)


def _check_agreement(tx: Transaction, listing: Listing) -> None:
    """Check that the buyer has signed the very offer that stands, and that he may take it."""
    params, rules, offer = tx.params, tx.rules, listing.offer
    listing.check_unclaimed()
    if tx.signer == listing.owner:
        raise MarketError(ErrorCode.OWN_LISTING, "the owner cannot buy his own listing")
    if rules.platform.account in (tx.signer, listing.owner):
        # Its trades need an arbitration without it, which is not part of these rules (version 1).
        raise MarketError(ErrorCode.NOT_PERMITTED, "the platform is no party to a brokered trade")
    if params["offer_version"] != offer.version:
        raise MarketError(ErrorCode.STALE_OFFER, f"the offer's version is {offer.version}")
    if int(params["price"]) != offer.price:
        raise MarketError(ErrorCode.WRONG_PRICE, "the offer's price is another")
    if params["deadlines"] != offer.deadlines:
        raise MarketError(ErrorCode.WRONG_DEADLINES, "the offer's deadlines are others")
    rules.check_deadlines(offer.deadlines)
    if params["c_d"] != listing.c_d:
        raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the listing's description is another")
    if int(params["bond"]) != rules.bond:
        raise MarketError(ErrorCode.WRONG_AMOUNT, f"the bond is {rules.bond}")
    if settlement.largest_payout(offer.price, rules.bond) > money.MAX_AMOUNT:
        # A trade whose end made a coin too large could never end.
        raise MarketError(ErrorCode.WRONG_AMOUNT, "price and both bonds add up to more than 2^63-1")


def _terms(tx: Transaction, listing: Listing, deciders: tuple[Decider, Decider]) -> Terms:
    rules, offer = tx.rules, listing.offer
    return Terms(
        id=ids.trade_id(market=tx.market, listing=listing.address, buyer=tx.signer, nonce=tx.intent.nonce),
        listing=listing.address,
        seller=listing.owner,
        buyer=tx.signer,
        right=offer.right,
        price=offer.price,
        fee=money.fee(offer.price, rules.transaction_bps),
        bond=rules.bond,
        arbiter_fee=rules.arbiter_fee,
        offer_version=offer.version,
        c_f=listing.c_f,
        c_d=listing.c_d,
        c_exact=listing.c_exact,
        pk_t=tx.params["pk_t"],
        platform=rules.platform.account,
        platform_msp=rules.platform.msp_id,
        arbiter=deciders[0],
        substitute=deciders[1],
        undecided=rules.undecided,
        market_version=rules.version,
        deadlines=dict(offer.deadlines),
        guard_s=rules.guard_s,
        paid_at_ms=tx.now_ms,
    )


def _deciders(rules: MarketConfig, *parties: Account) -> tuple[Decider, Decider]:
    """Return arbiter and substitute: the first two to whom neither party is himself nor of their organisation."""
    free = rules.deciders({party.address: party.sponsor for party in parties})
    if len(free) < 2:
        raise MarketError(ErrorCode.NOT_PERMITTED, "no two arbiters stand apart from both parties")
    return _decider(free[0]), _decider(free[1])


def _decider(party: Party) -> Decider:
    return Decider(party.account, party.msp_id, asdict(party.encryption_key))
