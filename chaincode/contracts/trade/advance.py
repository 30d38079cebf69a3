"""One step of a trade: who may take it, where it leads and until when, and what its end does to the money."""

from dataclasses import replace
from typing import Any

from countermark.chaincode import purse, state
from countermark.chaincode.context import Answer, Transaction
from countermark.chaincode.entities import read_claim, read_listing, read_trade
from countermark.chaincode.records.claim import Claim, Sale
from countermark.chaincode.records.escrow import Held, Paid
from countermark.chaincode.records.listing import Listing
from countermark.chaincode.records.trade import Trade
from countermark.protocol import settlement, transitions
from countermark.protocol.settlement import Part, Receiver
from countermark.protocol.transitions import Act, Actor, ListingState, TradeState


async def begin(tx: Transaction, argument: str = "") -> tuple[Trade, Act]:
    """Return the trade that the intent names and the arrow that its signer may take in time.

    Raises:
        MarketError: UNKNOWN_TRADE; WRONG_STATE, WRONG_ACTOR; NOT_PERMITTED; DEADLINE_PASSED.
    """
    trade = await read_trade(tx, tx.params["trade"])
    return trade, arrow(tx, trade, argument)


def arrow(tx: Transaction, trade: Trade, argument: str = "") -> Act:
    """Return the arrow from the state of ``trade`` that the intent's signer may take in time.

    Raises:
        MarketError: WRONG_STATE, WRONG_ACTOR; NOT_PERMITTED; DEADLINE_PASSED.
    """
    act = transitions.find_act(trade.state, tx.intent.action, trade.roles(tx.signer), argument)
    organisation = trade.terms.organisation(act.actor)
    if organisation is not None:
        tx.require_organisation(organisation)
    tx.check_before(trade.deadline_ms)
    return act


async def finish(
    tx: Transaction,
    trade: Trade,
    target: TradeState,
    outcome: transitions.Outcome = transitions.Outcome.NONE,
    *,
    decider: Actor | None = None,
    **changes: Any,
) -> Answer:
    """Take ``trade`` to ``target`` with ``changes`` of its record; a final state pays out the escrow.

    A deadline runs on where neither the state changes nor whose time it is.

    Raises:
        MarketError: UNKNOWN_LISTING.
    """
    changed = replace(trade, state=target, outcome=outcome, decider=decider, updated_at_ms=tx.now_ms, **changes)
    if target.final:
        listing = await read_listing(tx, changed.terms.listing)
        claim = await read_claim(tx, listing.claim) if listing.claim else None
        moved, after = conclude(tx, changed, listing, claim)
        tx.put(state.listing(after.address), after.to_json())
    elif (target, decider) == (trade.state, trade.decider):
        moved = changed
    else:
        default = transitions.find_default(target, decider)
        if default is None:  # cannot be: the table gives every state that is not final a deadline
            raise RuntimeError(f"state {target} has no deadline")
        moved = replace(changed, deadline_ms=tx.after(trade.terms.deadlines[default.clock]))
    tx.put(state.trade(moved.id), moved.to_json())
    return answer(moved)


def answer(trade: Trade) -> Answer:
    """Return what a function on ``trade`` answers."""
    return Answer(trade.id, trade.state, trade.parties, {"listing": trade.terms.listing, "outcome": trade.outcome})


def conclude(tx: Transaction, trade: Trade, listing: Listing, claim: Claim | None = None) -> tuple[Trade, Listing]:
    """Pay out the escrow and pass on, or free, the contract: one transaction (steps (23), (24)).

    Returns the trade after it, and the ``listing``, which the caller writes. While ``claim`` says that it is somebody
    else's it passes to nobody, and the price is held for whom the claim finds it to be due to. Where it was awarded
    to somebody else meanwhile it stays his, and the price goes back.
    """
    terms = trade.terms
    holder = claim if trade.state is TradeState.SETTLED and not listing.awarded else None
    if holder is not None:
        after = listing
    elif listing.awarded and not trade.misregistered:
        after = replace(listing, state=ListingState.WITHDRAWN, trade="")
    elif trade.state is TradeState.SETTLED:
        after = replace(listing, state=ListingState.SOLD, owner=terms.buyer, trade="")
    elif trade.misregistered:
        # Keeps the trade, by which everybody sees why.
        after = replace(listing, state=ListingState.VOID)
        tx.put(state.exact(listing.exact_key), {"listing": listing.address, "status": "VOID"})
    else:
        after = replace(listing, state=ListingState.LISTED, trade="")
    payouts = _pay_out(tx, trade, holder, void=bool(listing.awarded))
    if holder is not None:
        _hold_price(tx, trade, holder, payouts[0])
    return replace(trade, deadline_ms=None, escrow=(), payouts=payouts), after


def _hold_price(tx: Transaction, trade: Trade, claim: Claim, price: Paid) -> None:
    terms = trade.terms
    held = replace(
        claim,
        escrow=(*claim.escrow, Held(price.coin, price.amount, Part.PRICE)),
        sale=Sale(terms.id, terms.buyer, terms.seller),
        updated_at_ms=tx.now_ms,
    )
    tx.put(state.claim(claim.id), held.to_json())


def _pay_out(tx: Transaction, trade: Trade, claim: Claim | None, *, void: bool) -> tuple[Paid, ...]:
    """Return what the trade's end pays to whom; ``claim`` gets the price, and before all others."""
    terms = trade.terms
    addresses = {
        Receiver.BUYER: terms.buyer,
        Receiver.SELLER: terms.seller,
        Receiver.PLATFORM: terms.platform,
        Receiver.ARBITER: trade.judge.account,
    }
    held = {coin.role: coin.amount for coin in trade.escrow}
    due = settlement.payouts(held, trade.state, trade.outcome, arbiter_fee=terms.arbiter_fee, void=void)
    to: list[tuple[str, int]] = []
    if claim is not None:
        to.append((state.claim(claim.id), terms.price))
        due[Receiver.SELLER] -= terms.price
    to += [(addresses[receiver], due[receiver]) for receiver in Receiver if due.get(receiver)]
    purse.spend(tx, [coin.coin for coin in trade.escrow])
    return tuple(Paid(purse.make(tx, owner, amount), owner, amount) for owner, amount in to)


def hold(tx: Transaction, trade_id: str, parts: dict[settlement.Part, int]) -> tuple[Held, ...]:
    """Make the escrow coins of ``parts`` (minor units); parts of nothing make none."""
    owner = state.trade(trade_id)
    return tuple(Held(purse.make(tx, owner, amount), amount, role) for role, amount in parts.items() if amount)
