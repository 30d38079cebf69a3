"""Where every coin of a trade's escrow goes when it ends (protocol.md, "Where every coin goes").

The rules are one table from the end of a trade to the receiver of each escrowed part. Nothing ever falls to the
platform by its own delay: it earns the fee of a settled trade and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from countermark.protocol.transitions import Outcome, TradeState


class Part(StrEnum):
    """What a coin in an escrow was paid for; a claim holds deposits, and the price of a sale that waits for it."""

    PRICE = "price"
    BUYER_BOND = "buyer_bond"
    FEE = "fee"
    SELLER_BOND = "seller_bond"
    CLAIMANT_DEPOSIT = "claimant_deposit"
    OWNER_DEPOSIT = "owner_deposit"


class Receiver(StrEnum):
    """Who can get money out of an escrow."""

    BUYER = "buyer"
    SELLER = "seller"
    PLATFORM = "platform"
    ARBITER = "arbiter"


@dataclass(frozen=True)
class Rule:
    """The receivers of both bonds; ``arbiter_from`` are the bonds out of which the arbiter's fee is taken first."""

    buyer_bond: Receiver
    seller_bond: Receiver
    arbiter_from: tuple[Part, ...] = ()


_BACK = Rule(Receiver.BUYER, Receiver.SELLER)
_TO_SELLER = Rule(Receiver.SELLER, Receiver.SELLER)
_TO_BUYER = Rule(Receiver.BUYER, Receiver.BUYER)

RULES: Mapping[tuple[TradeState, Outcome], Rule] = {
    (TradeState.SETTLED, Outcome.CONFIRMED): _BACK,
    (TradeState.SETTLED, Outcome.ACCEPTED): _BACK,
    (TradeState.SETTLED, Outcome.AUTO_RELEASED): _BACK,
    (TradeState.SETTLED, Outcome.UNDECIDED): _BACK,
    (TradeState.SETTLED, Outcome.SUPPLIED): _BACK,
    (TradeState.SETTLED, Outcome.BUYER_SILENT): _TO_SELLER,
    (TradeState.SETTLED, Outcome.DECIDED): Rule(Receiver.SELLER, Receiver.SELLER, (Part.BUYER_BOND,)),
    (TradeState.SETTLED, Outcome.REMEDIED): Rule(
        Receiver.BUYER, Receiver.SELLER, (Part.BUYER_BOND, Part.SELLER_BOND)
    ),
    (TradeState.REFUNDED, Outcome.DECLINED): _BACK,
    (TradeState.REFUNDED, Outcome.NO_FEE): _BACK,
    (TradeState.REFUNDED, Outcome.NOT_RELAYED): _BACK,
    (TradeState.REFUNDED, Outcome.UNDECIDED): _BACK,
    (TradeState.REFUNDED, Outcome.CLAIMED): _BACK,
    (TradeState.REFUNDED, Outcome.CANCELLED): _TO_BUYER,
    (TradeState.REFUNDED, Outcome.NO_SHOW): _TO_BUYER,
    (TradeState.REFUNDED, Outcome.FAULT): Rule(Receiver.BUYER, Receiver.BUYER, (Part.SELLER_BOND,)),
}
"""Every end of a trade. Price and fee follow the state alone: see `payouts`."""


def largest_payout(price: int, bond: int) -> int:
    """Return the most that one receiver can get when a trade ends, in minor units: the price and both bonds.

    A fee is never more than its price, and goes to the platform, or back to the seller beside his bond.
    """
    return price + 2 * bond


def payouts(
    held: Mapping[Part, int], state: TradeState, outcome: Outcome, *, arbiter_fee: int = 0, void: bool = False
) -> dict[Receiver, int]:
    """Return what each receiver gets, in minor units, receivers of nothing left out; the sum is that of ``held``.

    ``held`` are the escrowed parts, absent ones not yet paid; ``arbiter_fee`` is taken only where a bond pays for a
    decision, and never more than those bonds hold. ``void`` is whether the contract was found not to be the seller's:
    then the price is the buyer's, however the trade has gone.
    """
    rule = RULES[state, outcome]
    settled = state is TradeState.SETTLED
    paid = dict.fromkeys(Receiver, 0)
    paid[Receiver.SELLER if settled and not void else Receiver.BUYER] += held.get(Part.PRICE, 0)
    paid[Receiver.PLATFORM if settled else Receiver.SELLER] += held.get(Part.FEE, 0)
    bonds = {part: held.get(part, 0) for part in (Part.BUYER_BOND, Part.SELLER_BOND)}
    due = arbiter_fee
    for position, part in enumerate(rule.arbiter_from):
        # The last bond in the list also carries the odd unit of a fee that is shared.
        share = min(bonds[part], due // (len(rule.arbiter_from) - position))
        bonds[part] -= share
        paid[Receiver.ARBITER] += share
        due -= share
    paid[rule.buyer_bond] += bonds[Part.BUYER_BOND]
    paid[rule.seller_bond] += bonds[Part.SELLER_BOND]
    return {receiver: amount for receiver, amount in paid.items() if amount}
