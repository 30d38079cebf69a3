"""Claims of ownership: opened against any contract, answered by its owner, decided by the supervisor (D-9, A-08)."""

from collections import Counter
from dataclasses import asdict, replace

from countermark.chaincode import purse, state
from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.contracts.trade import advance
from countermark.chaincode.entities import read_account, read_claim, read_listing, read_trade
from countermark.chaincode.records.account import Account
from countermark.chaincode.records.claim import Claim
from countermark.chaincode.records.escrow import Held, Paid
from countermark.chaincode.records.listing import Listing
from countermark.chaincode.records.terms import Decider
from countermark.chaincode.records.trade import Trade
from countermark.protocol import claims, ids, times
from countermark.protocol.claims import ClaimActor, Claimed, ClaimReceiver, ClaimState
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.settlement import Part
from countermark.protocol.transitions import ListingState, Outcome, TradeState


async def open_claim(tx: Transaction) -> Answer:
    """Say that a contract is of the signer's data, with a deposit and the digest of his sealed evidence.

    From now on nobody can pay for it, relist it or split it. A trade of it in which nothing was sent ends at once,
    everything goes back; a later one finishes, and its price waits for the end of the claim.

    Raises:
        MarketError: UNKNOWN_LISTING, OWN_LISTING, LISTING_CLAIMED; WRONG_STATE for a void one; WRONG_AMOUNT;
            NOT_PERMITTED where the supervisor is of a party's organisation, and to the platform; a code of
            `purse.take`.
    """
    listing = await read_listing(tx, tx.params["listing"])
    if listing.owner == tx.signer:
        raise MarketError(ErrorCode.OWN_LISTING, "nobody claims what is his")
    if listing.claim:
        raise MarketError(ErrorCode.LISTING_CLAIMED, "somebody claims the listing already")
    if listing.state is ListingState.VOID:
        raise MarketError(ErrorCode.WRONG_STATE, "a void listing is nobody's: its data can be registered anew")
    if tx.signer == tx.rules.platform.account:
        # It would keep the evidence against its own.
        raise MarketError(ErrorCode.NOT_PERMITTED, "the platform claims nothing")
    trade = await read_trade(tx, listing.trade) if listing.trade else None
    parties = [tx.account, await read_account(tx, listing.owner)]
    if trade is not None and trade.state not in claims.REFUNDABLE:
        parties.append(await read_account(tx, trade.terms.buyer))
    supervisor = tx.rules.supervisor
    decider = Decider(supervisor.account, supervisor.msp_id, asdict(supervisor.encryption_key))
    _check_apart(tx, decider, *parties)
    payment = await _deposit(tx, tx.rules.claims.deposit)
    claim = Claim(
        id=ids.claim_id(market=tx.market, listing=listing.address, claimant=tx.signer, nonce=tx.intent.nonce),
        listing=listing.address,
        claimant=tx.signer,
        owner=listing.owner,
        decider=decider,
        deposit=tx.rules.claims.deposit,
        arbiter_fee=tx.rules.arbiter_fee,
        deadlines=tx.rules.claims.deadlines,
        guard_s=tx.rules.guard_s,
        market_version=tx.rules.version,
        opened_at_ms=tx.now_ms,
        updated_at_ms=tx.now_ms,
        deadline_ms=tx.after(tx.rules.claims.answer_s),
        claimant_evidence=tx.params["evidence"],
    )
    claim = _hold(tx, claim, payment, Part.CLAIMANT_DEPOSIT)
    claimed = replace(listing, claim=claim.id)
    if trade is not None and trade.state in claims.REFUNDABLE:
        claimed = _refund(tx, trade, claimed)
    tx.put(state.listing(listing.address), claimed.to_json())
    return _write(tx, claim, *(trade.parties if trade else ()))


async def answer(tx: Transaction) -> Answer:
    """Answer for a claimed contract as its owner, with an equal deposit and the digest of his sealed evidence.

    Raises:
        MarketError: UNKNOWN_CLAIM; WRONG_STATE, WRONG_ACTOR; NOT_PERMITTED; DEADLINE_PASSED; WRONG_AMOUNT; a code of
            `purse.take`.
    """
    claim = await read_claim(tx, tx.params["claim"])
    listing = await read_listing(tx, claim.listing)
    act = claims.find_claim_act(claim.state, "claim.answer", claim.roles(tx.signer, owner=listing.owner))
    tx.check_before(claim.deadline_ms)
    _check_apart(tx, claim.decider, tx.account)
    payment = await _deposit(tx, claim.deposit)
    # After a recovery the contract is another account's than when it was claimed.
    answered = replace(
        claim,
        state=act.target,
        owner=tx.signer,
        owner_evidence=tx.params["evidence"],
        deadline_ms=tx.after(claim.deadlines["decide"]),
    )
    return _write(tx, _hold(tx, answered, payment, Part.OWNER_DEPOSIT))


async def decide(tx: Transaction) -> Answer:
    """Find as the supervisor whose the contract is; the loser's deposit pays the arbiter's fee, the rest is won.

    Raises:
        MarketError: UNKNOWN_CLAIM; WRONG_STATE, WRONG_ACTOR; NOT_PERMITTED; DEADLINE_PASSED.
    """
    claim = await read_claim(tx, tx.params["claim"])
    listing = await read_listing(tx, claim.listing)
    found = tx.params["decision"]
    act = claims.find_claim_act(
        claim.state, "claim.decide", claim.roles(tx.signer, owner=listing.owner), argument=found
    )
    if act.actor is ClaimActor.SUPERVISOR:
        tx.require_organisation(claim.decider.msp_id)
    tx.check_before(claim.deadline_ms)
    if listing.owner != claim.owner:
        # Moved by a recovery since it was answered for.
        _check_apart(tx, claim.decider, await read_account(tx, listing.owner))
    record = {"at": times.to_text(tx.now_ms), "by": tx.signer, "decision": found, "reasons": tx.params["reasons"]}
    return await _end(tx, replace(claim, decision=record), listing, act.target, act.outcome)


async def enforce(tx: Transaction, claim_id: str) -> Answer:
    """Apply the default of the claim's state once its deadline and the guard have passed; anyone may.

    Raises:
        MarketError: UNKNOWN_CLAIM; NOT_DUE.
    """
    claim = await read_claim(tx, claim_id)
    default = claim.default
    if default is None:
        return _answer(claim)
    tx.check_due(claim.deadline_ms, claim.guard_s)
    return await _end(tx, claim, await read_listing(tx, claim.listing), default.target, default.outcome)


async def _end(tx: Transaction, claim: Claim, listing: Listing, target: ClaimState, outcome: Claimed) -> Answer:
    """Pay out all that the claim holds, and say whose the contract is from now on."""
    sale, won = claim.sale, outcome is Claimed.CLAIMANT
    after = replace(listing, claim="", state=claims.listing_after(listing.state, outcome, sold=sale is not None))
    if sale is not None:
        after = replace(after, trade="", owner=sale.buyer)
    if won:
        after = replace(after, owner=claim.claimant, awarded=claim.id)
        if listing.state is ListingState.PENDING_FEE:
            after = replace(after, deadline_ms=tx.after(tx.rules.management_s))
    tx.put(state.listing(after.address), after.to_json())
    ended = replace(claim, state=target, outcome=outcome, deadline_ms=None)
    return _write(tx, replace(ended, escrow=(), payouts=_pay_out(tx, ended)), listing.owner)


def _refund(tx: Transaction, trade: Trade, listing: Listing) -> Listing:
    """End a trade of the claimed ``listing``, everything back, and return the listing after it."""
    ended, after = advance.conclude(
        tx, replace(trade, state=TradeState.REFUNDED, outcome=Outcome.CLAIMED, updated_at_ms=tx.now_ms), listing
    )
    tx.put(state.trade(ended.id), ended.to_json())
    return after


def _pay_out(tx: Transaction, claim: Claim) -> tuple[Paid, ...]:
    addresses = {
        ClaimReceiver.CLAIMANT: claim.claimant,
        ClaimReceiver.OWNER: claim.owner,
        ClaimReceiver.DECIDER: claim.decider.account,
    }
    if claim.sale is not None:
        addresses |= {ClaimReceiver.SELLER: claim.sale.seller, ClaimReceiver.BUYER: claim.sale.buyer}
    held: Counter[Part] = Counter()
    for coin in claim.escrow:
        held[coin.role] += coin.amount
    decided = claim.decision is not None
    due = claims.claim_payouts(held, claim.outcome, decided=decided, arbiter_fee=claim.arbiter_fee)
    purse.spend(tx, [coin.coin for coin in claim.escrow])
    return tuple(
        Paid(purse.make(tx, addresses[receiver], amount), addresses[receiver], amount)
        for receiver, amount in due.items()
    )


def _check_apart(tx: Transaction, decider: Decider, *parties: Account) -> None:
    sponsors = {party.address: party.sponsor for party in parties}
    if not tx.rules.stands_apart(decider.account, decider.msp_id, sponsors):
        raise MarketError(ErrorCode.NOT_PERMITTED, "the supervisor decides no claim of his own organisation")


async def _deposit(tx: Transaction, deposit: int) -> purse.Payment:
    if int(tx.params["deposit"]) != deposit:
        raise MarketError(ErrorCode.WRONG_AMOUNT, f"the deposit is {deposit}")
    return await purse.take(tx, deposit)


def _hold(tx: Transaction, claim: Claim, payment: purse.Payment, part: Part) -> Claim:
    held: tuple[Held, ...] = ()
    if claim.deposit:
        held = (Held(purse.make(tx, state.claim(claim.id), claim.deposit), claim.deposit, part),)
    purse.settle_payment(tx, payment)
    return replace(claim, escrow=(*claim.escrow, *held))


def _write(tx: Transaction, claim: Claim, *others: str) -> Answer:
    tx.put(state.claim(claim.id), replace(claim, updated_at_ms=tx.now_ms).to_json())
    return _answer(claim, *others)


def _answer(claim: Claim, *others: str) -> Answer:
    """Return what a function on ``claim`` answers; its parties, those of a sale and ``others`` are told of it."""
    sale = (claim.sale.seller, claim.sale.buyer) if claim.sale else ()
    told = dict.fromkeys((*claim.parties, *sale, *others))
    return Answer(claim.id, claim.state, tuple(told), {"listing": claim.listing, "outcome": claim.outcome})
