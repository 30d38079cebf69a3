"""Which organisations a transaction is sent to for their endorsements."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from countermark.network.blocks import Policy, satisfied
from countermark.network.identities import Member, Role


def choose(
    policies: Sequence[Policy],
    candidates: Sequence[str],
    *,
    done: Iterable[str] = (),
    away: frozenset[str] = frozenset(),
) -> tuple[str, ...] | None:
    """Return the smallest set of organisations whose peers' endorsements satisfy all `policies`, or `None`.

    Args:
        policies: What must hold.
        candidates: The organisations, preferred ones first.
        done: Organisations that have endorsed already; they are in the set in any case.
        away: Organisations to be avoided where another set does as well: their chaincode does not answer.
    """
    base = tuple(done)
    others = [candidate for candidate in candidates if candidate not in base]
    fallback: tuple[str, ...] | None = None
    for size in range(len(others) + 1):
        for extra in combinations(others, size):
            chosen = base + extra
            if not all(satisfied(policy, [_peer(msp_id) for msp_id in chosen]) for policy in policies):
                continue
            if away.isdisjoint(chosen):
                return chosen
            fallback = fallback or chosen
    return fallback


def _peer(msp_id: str) -> Member:
    return Member(msp_id, Role.PEER, "")
