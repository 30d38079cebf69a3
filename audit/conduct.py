"""Whether an act is one that the market's rules allow, whoever has endorsed it.

Endorsements show that two organisations said so. This shows that they said what they had to: the act writes what its
function writes, moves the money that its signer or a deadline moves, and leaves each record as the rules make it.
All of it is worked out from the state before, from what was signed, and from the tables of `protocol`.
"""

from collections.abc import Callable, Mapping

from countermark.audit.acts import Act
from countermark.audit.claims import check_claim, check_held
from countermark.audit.coins import check_coins
from countermark.audit.effects import check_keys
from countermark.audit.holdings import check_account, check_listing, check_signer
from countermark.audit.records import State, check_same
from countermark.audit.steps import check_trade
from countermark.audit.votes import check_anchor, check_change, check_founding, check_tick, check_vote

Rule = Callable[[Act, State], None]

_RULES: Mapping[str, tuple[Rule, ...]] = {
    "market.init": (check_founding,),
    "market.propose": (check_vote,),
    "market.approve": (check_vote,),
    "market.enforce": (check_change,),
    "clock.tick": (check_tick,),
    "account.recover": (check_account, check_listing),
    "trade.pay": (check_trade, check_listing),
    "board.anchor": (check_anchor,),
}
"""Rules of single functions; the others follow those of their noun."""

_NOUNS: Mapping[str, tuple[Rule, ...]] = {
    "account": (check_account,),
    "listing": (check_listing,),
    "trade": (check_trade, check_held, check_listing),
    "claim": (check_claim, check_listing),
}


def judge(act: Act, state: State) -> None:
    """Check ``act`` against the rules of the market as ``state`` stood before it.

    Raises:
        AuditError: what does not hold; its place is the caller's to add.
    """
    check_keys(act, state)
    check_signer(act, state)
    _check_outcome(act)
    check_coins(act, state)
    for rule in _RULES.get(act.function) or _NOUNS.get(act.function.partition(".")[0], ()):
        rule(act, state)


def _check_outcome(act: Act) -> None:
    """Check what is kept of the intent: by it everybody knows that it has acted, or, if cancelled, never will."""
    if act.intent is None:
        return
    outcome = f"intent/{act.signer}/{act.intent.nonce}"
    kept = {"cancelled": False, "digest": act.intent.digest, "tx": act.tx_id}
    check_same(outcome, act.function, act.records[outcome], {**act.records[outcome], **kept})
    if act.function == "intent.cancel":
        burnt = f"intent/{act.signer}/{act.params['nonce']}"
        kept = {"cancelled": True, "digest": "", "response": None, "tx": act.tx_id}
        check_same(burnt, act.function, act.records[burnt], kept)
