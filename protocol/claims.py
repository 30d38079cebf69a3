"""Claims of ownership: the state machine, and where every coin of a claim goes (protocol.md, "Claim"; D-9, A-08).

Who says that a contract is of his data, although somebody else has registered them, puts down a deposit, its owner
another, and the supervisor decides. Every state that is not final has a deadline and a default, as of trades.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.settlement import Part
from countermark.protocol.transitions import SPLITTABLE, ListingState, TradeState


class ClaimState(StrEnum):
    """States of a claim; DECIDED and LAPSED are final."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    DECIDED = "DECIDED"
    LAPSED = "LAPSED"

    @property
    def final(self) -> bool:
        """Whether nothing can happen any more and no coin is held."""
        return self in (ClaimState.DECIDED, ClaimState.LAPSED)


class Claimed(StrEnum):
    """Whose the contract was found to be, "" where nobody has found anything."""

    NOBODY = ""
    CLAIMANT = "claimant"
    OWNER = "owner"


class ClaimActor(StrEnum):
    """The role in a claim that may act."""

    OWNER = "owner"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class ClaimAct:
    """One arrow: ``actor`` calls ``function`` with ``argument`` ("" where it has none) in state ``source``."""

    source: ClaimState
    function: str
    actor: ClaimActor
    argument: str
    target: ClaimState
    outcome: Claimed = Claimed.NOBODY


@dataclass(frozen=True)
class ClaimDefault:
    """What `claim.enforce` does with ``source`` once its deadline ``clock`` and the guard have passed."""

    source: ClaimState
    clock: str
    target: ClaimState
    outcome: Claimed = Claimed.NOBODY


CLAIM_ACTS: tuple[ClaimAct, ...] = (
    ClaimAct(ClaimState.OPEN, "claim.answer", ClaimActor.OWNER, "", ClaimState.ANSWERED),
    *(
        ClaimAct(ClaimState.ANSWERED, "claim.decide", ClaimActor.SUPERVISOR, found, ClaimState.DECIDED, found)
        for found in (Claimed.CLAIMANT, Claimed.OWNER)
    ),
)
"""Every act on a claim but `claim.open`, which makes it."""

CLAIM_DEFAULTS: Mapping[ClaimState, ClaimDefault] = {
    # Who does not answer for what he offers has not shown that it is his.
    ClaimState.OPEN: ClaimDefault(ClaimState.OPEN, "answer", ClaimState.DECIDED, Claimed.CLAIMANT),
    ClaimState.ANSWERED: ClaimDefault(ClaimState.ANSWERED, "decide", ClaimState.LAPSED),
}

CLAIM_CLOCKS: tuple[str, ...] = tuple(default.clock for default in CLAIM_DEFAULTS.values())
"""The names of a claim's deadlines, in seconds from the entry into their state."""

REFUNDABLE = frozenset({TradeState.PAID, TradeState.FUNDED})
"""States of a trade that a claim of its contract ends at once: nothing was sent, everything goes back."""


def find_claim_act(state: ClaimState, function: str, actors: frozenset[ClaimActor], argument: str = "") -> ClaimAct:
    """Return the arrow that a caller with the roles ``actors`` takes.

    Raises:
        MarketError: WRONG_STATE when nobody may do this now; WRONG_ACTOR when somebody else may.
    """
    possible = [act for act in CLAIM_ACTS if (act.source, act.function, act.argument) == (state, function, argument)]
    if not possible:
        raise MarketError(ErrorCode.WRONG_STATE, f"{function} is not possible in state {state}")
    for act in possible:
        if act.actor in actors:
            return act
    raise MarketError(ErrorCode.WRONG_ACTOR, f"{function} is for the {possible[0].actor}")


def next_claim_acts(state: ClaimState) -> Mapping[str, frozenset[ClaimActor]]:
    """Return the functions that are possible in ``state`` with the roles that may call them."""
    return {act.function: frozenset({act.actor}) for act in CLAIM_ACTS if act.source is state}


def listing_after(state: ListingState, outcome: Claimed, *, sold: bool) -> ListingState:
    """Return the state of a contract in ``state`` after a claim of it; ``sold`` is whether a sale waited for its end.

    What the claimant gets is off the market, for he has made no offer. A trade that still runs goes on to its end.
    """
    if outcome is not Claimed.CLAIMANT:
        return ListingState.SOLD if sold else state
    return ListingState.WITHDRAWN if sold or state is ListingState.LISTED else state


def replaceable(state: ListingState, *, awarded: bool) -> bool:
    """Return whether a contract's owner may register data beside it that resemble its own, which splits it.

    Who was ``awarded`` a contract has its data from elsewhere, and no package of them opens to what was committed to:
    he registers his own.
    """
    return state in SPLITTABLE or (awarded and state is ListingState.PENDING_FEE)


class ClaimReceiver(StrEnum):
    """Who can get money out of a claim's escrow; SELLER and BUYER are those of the sale that waited for its end."""

    CLAIMANT = "claimant"
    OWNER = "owner"
    DECIDER = "decider"
    SELLER = "seller"
    BUYER = "buyer"


def claim_payouts(
    held: Mapping[Part, int], outcome: Claimed, *, decided: bool, arbiter_fee: int
) -> dict[ClaimReceiver, int]:
    """Return what each receiver gets, in minor units, receivers of nothing left out; the sum is that of ``held``.

    ``decided`` is whether somebody has looked at the claim, for which the loser's deposit pays ``arbiter_fee``.
    """
    paid: Counter[ClaimReceiver] = Counter()
    price = ClaimReceiver.BUYER if outcome is Claimed.CLAIMANT else ClaimReceiver.SELLER
    paid[price] += held.get(Part.PRICE, 0)
    deposits = {
        ClaimReceiver.CLAIMANT: held.get(Part.CLAIMANT_DEPOSIT, 0),
        ClaimReceiver.OWNER: held.get(Part.OWNER_DEPOSIT, 0),
    }
    if decided:
        won = outcome is Claimed.CLAIMANT
        winner, loser = (ClaimReceiver.CLAIMANT, ClaimReceiver.OWNER)[:: 1 if won else -1]
        fee = min(arbiter_fee, deposits[loser])
        paid[ClaimReceiver.DECIDER] += fee
        paid[winner] += sum(deposits.values()) - fee
    else:
        paid.update(deposits)
    return {receiver: paid[receiver] for receiver in ClaimReceiver if paid[receiver]}
