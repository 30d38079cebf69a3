"""The state machines of listings and ownership trades, as data (protocol.md, "State machines").

Chaincode, gateway, documents and tests read these tables; nobody writes a transition down twice. Every state that is
not final has a deadline and a default that `enforce` applies, so no coin can stay in escrow for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from countermark.protocol.errors import ErrorCode, MarketError


class TradeState(StrEnum):
    """States of a trade; SETTLED and REFUNDED are final."""

    PAID = "PAID"
    FUNDED = "FUNDED"
    UPLOADED = "UPLOADED"
    SENT = "SENT"
    RECEIVED = "RECEIVED"
    MATCHED = "MATCHED"
    MISMATCHED = "MISMATCHED"
    DISPUTED = "DISPUTED"
    EVIDENCED = "EVIDENCED"
    SETTLED = "SETTLED"
    REFUNDED = "REFUNDED"

    @property
    def final(self) -> bool:
        """Whether nothing can happen any more and no coin is held."""
        return self in (TradeState.SETTLED, TradeState.REFUNDED)


class Outcome(StrEnum):
    """Why a trade ended, or "" while it runs; it decides where the bonds go."""

    NONE = ""
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    AUTO_RELEASED = "auto_released"
    BUYER_SILENT = "buyer_silent"
    DECIDED = "decided"
    SUPPLIED = "supplied"
    REMEDIED = "remedied"
    UNDECIDED = "undecided"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NO_FEE = "no_fee"
    NO_SHOW = "no_show"
    NOT_RELAYED = "not_relayed"
    FAULT = "fault"
    CLAIMED = "claimed"


class Actor(StrEnum):
    """The role in a trade that may act."""

    BUYER = "buyer"
    SELLER = "seller"
    PLATFORM = "platform"
    ARBITER = "arbiter"
    SUBSTITUTE = "substitute"


class Decision(StrEnum):
    """What an arbiter finds in the package that was relayed; `trade.decide` says one of these.

    Attributes:
        DELIVERED: It opens, and bytes and fingerprint are the registered ones.
        UNOPENED: No opening came in time that matches its digest and gives the trade's one-time key.
        FAULTY: It does not open, or holds other data than were registered.
        MISSING: Neither the platform nor a party has the bytes of the committed root.
        MISREGISTERED: The bytes are those that were registered, the fingerprint is not theirs: the contract is void.
    """

    DELIVERED = "delivered"
    UNOPENED = "unopened"
    FAULTY = "faulty"
    MISSING = "missing"
    MISREGISTERED = "misregistered"


@dataclass(frozen=True)
class Act:
    """One arrow: ``actor`` calls ``function`` with ``argument`` ("" where it has none) in state ``source``."""

    source: TradeState
    function: str
    actor: Actor
    argument: str
    target: TradeState
    outcome: Outcome = Outcome.NONE


@dataclass(frozen=True)
class Default:
    """What `trade.enforce` does with ``source`` once its deadline ``clock`` and the guard have passed.

    ``decider`` tells the two halves of EVIDENCED apart: the arbiter's time, then his substitute's; None elsewhere.
    ``target`` None means that the market said at payment where an undecided trade goes.
    """

    source: TradeState
    clock: str
    target: TradeState | None
    outcome: Outcome = Outcome.NONE
    decider: Actor | None = None


_S, _A, _O = TradeState, Actor, Outcome

_SUPPLIED = "supplied"
"""The arrow for good data that the buyer could not fetch: he gets them of the arbiter, and nobody has erred."""

ACTS: tuple[Act, ...] = (
    Act(_S.PAID, "trade.charge", _A.SELLER, "", _S.FUNDED),
    Act(_S.PAID, "trade.cancel", _A.SELLER, "", _S.REFUNDED, _O.DECLINED),
    Act(_S.FUNDED, "trade.send", _A.SELLER, "", _S.UPLOADED),
    Act(_S.FUNDED, "trade.cancel", _A.SELLER, "", _S.REFUNDED, _O.CANCELLED),
    Act(_S.UPLOADED, "trade.relay", _A.PLATFORM, "", _S.SENT),
    Act(_S.SENT, "trade.ack", _A.BUYER, "match", _S.RECEIVED),
    Act(_S.SENT, "trade.ack", _A.BUYER, "altered", _S.MISMATCHED),
    Act(_S.SENT, "trade.ack", _A.BUYER, "bad", _S.MISMATCHED),
    Act(_S.SENT, "trade.confirm", _A.BUYER, "", _S.SETTLED, _O.CONFIRMED),
    Act(_S.SENT, "trade.dispute", _A.BUYER, "undecryptable", _S.DISPUTED),
    Act(_S.SENT, "trade.dispute", _A.BUYER, "unavailable", _S.DISPUTED),
    Act(_S.RECEIVED, "trade.check", _A.PLATFORM, "match", _S.MATCHED),
    Act(_S.RECEIVED, "trade.check", _A.PLATFORM, "mismatch", _S.MISMATCHED),
    Act(_S.RECEIVED, "trade.dispute", _A.BUYER, "mismatch", _S.DISPUTED),
    Act(_S.MATCHED, "trade.confirm", _A.BUYER, "", _S.SETTLED, _O.CONFIRMED),
    Act(_S.MATCHED, "trade.dispute", _A.BUYER, "mismatch", _S.DISPUTED),
    Act(_S.MISMATCHED, "trade.accept", _A.BUYER, "", _S.SETTLED, _O.ACCEPTED),
    Act(_S.MISMATCHED, "trade.dispute", _A.BUYER, "mismatch", _S.DISPUTED),
    Act(_S.MISMATCHED, "trade.dispute", _A.PLATFORM, "mismatch", _S.DISPUTED),
    Act(_S.DISPUTED, "trade.open", _A.BUYER, "", _S.EVIDENCED),
    Act(_S.EVIDENCED, "trade.remedy", _A.SELLER, "", _S.EVIDENCED),
    Act(_S.EVIDENCED, "trade.relay", _A.PLATFORM, "", _S.EVIDENCED),
    Act(_S.EVIDENCED, "trade.accept", _A.BUYER, "", _S.SETTLED, _O.REMEDIED),
    *(
        Act(_S.EVIDENCED, "trade.decide", decider, decision, target, outcome)
        for decider in (_A.ARBITER, _A.SUBSTITUTE)
        for decision, target, outcome in (
            (Decision.DELIVERED, _S.SETTLED, _O.DECIDED),
            (_SUPPLIED, _S.SETTLED, _O.SUPPLIED),
            (Decision.UNOPENED, _S.SETTLED, _O.BUYER_SILENT),
            (Decision.FAULTY, _S.REFUNDED, _O.FAULT),
            (Decision.MISSING, _S.REFUNDED, _O.NOT_RELAYED),
            (Decision.MISREGISTERED, _S.REFUNDED, _O.FAULT),
        )
    ),
)
"""Every act on an ownership trade but the payment, which makes it."""

DEFAULTS: tuple[Default, ...] = (
    Default(_S.PAID, "fee", _S.REFUNDED, _O.NO_FEE),
    Default(_S.FUNDED, "send", _S.REFUNDED, _O.NO_SHOW),
    Default(_S.UPLOADED, "relay", _S.REFUNDED, _O.NOT_RELAYED),
    Default(_S.SENT, "receive", _S.SETTLED, _O.AUTO_RELEASED),
    Default(_S.RECEIVED, "check", _S.MATCHED),
    Default(_S.MATCHED, "confirm", _S.SETTLED, _O.AUTO_RELEASED),
    Default(_S.MISMATCHED, "answer", _S.DISPUTED),
    Default(_S.DISPUTED, "evidence", _S.SETTLED, _O.BUYER_SILENT),
    Default(_S.EVIDENCED, "decide", _S.EVIDENCED, decider=_A.ARBITER),
    Default(_S.EVIDENCED, "substitute", None, _O.UNDECIDED, decider=_A.SUBSTITUTE),
)
"""What the deadline of each state brings; every state that is not final stands here."""

TRADE_CLOCKS: tuple[str, ...] = tuple(default.clock for default in DEFAULTS)
"""The names of a trade's deadlines, in seconds from the entry into their state."""


def find_act(state: TradeState, function: str, actors: frozenset[Actor], argument: str = "") -> Act:
    """Return the arrow that a caller with the roles ``actors`` takes.

    Raises:
        MarketError: WRONG_STATE when nobody may do this now; WRONG_ACTOR when somebody else may.
    """
    possible = [act for act in ACTS if (act.source, act.function, act.argument) == (state, function, argument)]
    if not possible:
        raise MarketError(ErrorCode.WRONG_STATE, f"{function} is not possible in state {state}")
    for act in possible:
        if act.actor in actors:
            return act
    whose = " or ".join(dict.fromkeys(str(act.actor) for act in possible))
    raise MarketError(ErrorCode.WRONG_ACTOR, f"{function} is for the {whose}")


def argument_of(decision: str, reason: str) -> str:
    """Return the argument of the arrow that ``decision`` takes in a dispute for ``reason``.

    Who said that a package was unavailable has not said that it is bad, and loses nothing where it turns out good.
    """
    good = (decision, reason) == (Decision.DELIVERED, "unavailable")
    return _SUPPLIED if good else decision


def find_default(state: TradeState, decider: Actor | None = None) -> Default | None:
    """Return what the deadline brings in ``state``, None when it is final.

    ``decider`` is ARBITER or SUBSTITUTE in EVIDENCED and ignored elsewhere.
    """
    for default in DEFAULTS:
        if default.source == state and default.decider in (None, decider):
            return default
    return None


class Remedy(StrEnum):
    """How far a seller's remedy has come, and with it what may come next of it."""

    NONE = "trade.remedy"
    COMMITTED = "trade.relay"
    RELAYED = "trade.accept"

    @classmethod
    def of(cls, record: Mapping[str, Any] | None) -> Self:
        """Return it of a trade's ``remedy``."""
        if record is None:
            return cls("trade.remedy")
        return cls("trade.accept" if record["relayed_at"] else "trade.relay")


def next_acts(
    state: TradeState, *, remedy: Remedy = Remedy.NONE, decider: Actor | None = None
) -> Mapping[str, frozenset[Actor]]:
    """Return the functions that are possible in ``state`` with the roles that may call them.

    In EVIDENCED those depend on how far the ``remedy`` has come, and on whose time to decide runs.
    """
    acts: dict[str, frozenset[Actor]] = {}
    for act in ACTS:
        if act.source != state:
            continue
        if state is TradeState.EVIDENCED and act.function not in ("trade.decide", remedy):
            continue
        if act.function == "trade.decide" and act.actor is not decider:
            continue
        acts[act.function] = acts.get(act.function, frozenset()) | {act.actor}
    return acts


def next_acts_of(record: Mapping[str, Any]) -> Mapping[str, frozenset[Actor]]:
    """Return the functions that are possible on the trade of a ledger's ``record``, as `next_acts` does."""
    decider = Actor(record["decider"]) if record["decider"] else None
    return next_acts(TradeState(record["state"]), remedy=Remedy.of(record["remedy"]), decider=decider)


class ListingState(StrEnum):
    """States of a contract (listing); VOID is final, and its exact key may be taken over."""

    PENDING_FEE = "PENDING_FEE"
    LISTED = "LISTED"
    RESERVED = "RESERVED"
    SOLD = "SOLD"
    WITHDRAWN = "WITHDRAWN"
    PARTITIONED = "PARTITIONED"
    VOID = "VOID"


LISTING_ACTS: Mapping[str, Mapping[ListingState, ListingState]] = {
    "listing.charge": {ListingState.PENDING_FEE: ListingState.LISTED},
    "listing.offer": {
        ListingState.PENDING_FEE: ListingState.PENDING_FEE,
        ListingState.LISTED: ListingState.LISTED,
    },
    "listing.withdraw": {ListingState.LISTED: ListingState.WITHDRAWN},
    "listing.relist": {
        ListingState.WITHDRAWN: ListingState.LISTED,
        ListingState.SOLD: ListingState.LISTED,
    },
    "listing.enforce": {ListingState.PENDING_FEE: ListingState.VOID},
    "listing.erase": {
        state: state
        for state in (ListingState.WITHDRAWN, ListingState.SOLD, ListingState.PARTITIONED, ListingState.VOID)
    },
    "trade.pay": {ListingState.LISTED: ListingState.RESERVED},
}
"""function -> state -> next state. A trade's end turns RESERVED into SOLD or back into LISTED."""


SPLITTABLE = frozenset({ListingState.LISTED, ListingState.WITHDRAWN, ListingState.SOLD, ListingState.PARTITIONED})
"""States in which a contract's owner may register a part of it, or what it is a part of: it is PARTITIONED then."""


def next_listing_state(state: ListingState, function: str) -> ListingState:
    """Return the state of a listing after ``function``.

    Raises:
        MarketError: ALREADY_RESERVED when another buyer's payment came first; NOT_FOR_SALE for another payment
            that finds no offer; WRONG_STATE.
    """
    target = LISTING_ACTS[function].get(state)
    if target is not None:
        return target
    if function == "trade.pay":
        if state is ListingState.RESERVED:
            raise MarketError(ErrorCode.ALREADY_RESERVED, "another buyer has paid for this listing")
        raise MarketError(ErrorCode.NOT_FOR_SALE, f"a listing in state {state} cannot be bought")
    raise MarketError(ErrorCode.WRONG_STATE, f"{function} is not possible in state {state}")
