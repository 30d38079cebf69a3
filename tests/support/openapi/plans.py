"""How a made-up request is to be completed: what of it is as a good client would have it, and what is not.

A plan is drawn before anybody looks at the market, so the same draws make the same plan in every run. The simplest
plan, which is also the default, is that of a good client.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st


class Envelope(StrEnum):
    """What is wrong with an intent."""

    GOOD = "good"
    EXPIRED = "expired"
    FUTURE = "future"
    LONG = "lives too long"
    OTHER_MARKET = "for another market"
    OTHER_ACTION = "for another action"
    AGAIN = "sent before"
    SAME_NONCE = "another under a nonce that was used"
    FORGED = "signature of somebody else"
    AS_MADE_UP = "no intent"


class Seal(StrEnum):
    """What is wrong with a sealed message."""

    GOOD = "good"
    CUT = "cut"
    FLIPPED = "flipped"
    OTHER_KIND = "of another kind"
    OTHER_VERSION = "to another key version"
    OTHER_FORM = "of another form"


class Signing(StrEnum):
    """What is wrong with the signature of a request."""

    GOOD = "good"
    NONE = "none"
    FORGED = "forged"
    TWICE = "sent twice"
    OTHER_BODY = "over another body"


@dataclass(frozen=True)
class Plan:
    """How to complete a request; numbers choose among what there is."""

    raw: bool = False
    """Leave everything as it was made up, but for the signature."""
    fresh: bool = True
    """Act on something new that is in the right state."""
    pick: int = 0
    other_signer: int = 0
    """0 for who should sign."""
    strange_param: int = 0
    """0 for none."""
    strange: Any = None
    envelope: Envelope = Envelope.GOOD
    seal: Seal = Seal.GOOD
    signing: Signing = Signing.GOOD
    other_path: bool = False
    """Let the path name something else than the intent."""
    wait: bool = True


GOOD = Plan()


def _mostly(good: Any, *bad: Any, weight: int) -> st.SearchStrategy[Any]:
    """Draw `good` `weight` times as often as all of `bad`."""
    return st.sampled_from([good] * (weight * len(bad)) + list(bad))


_STRANGE = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1", str(2**63 - 1), str(2**63), "1" * 400, "\x7f", "x" * 70_000, "sha256:" + "0" * 64]
    ),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53),
    st.lists(st.text(max_size=4), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(0, 9), max_size=3),
    st.text(max_size=12),
)

PLANS: st.SearchStrategy[Plan] = st.builds(
    Plan,
    raw=_mostly(False, True, weight=7),
    fresh=st.sampled_from([True] + [False] * 19),
    pick=st.integers(0, 2**31),
    other_signer=_mostly(0, *range(1, 8), weight=4),
    strange_param=_mostly(0, *range(1, 8), weight=3),
    strange=_STRANGE,
    envelope=_mostly(Envelope.GOOD, *list(Envelope)[1:], weight=3),
    seal=_mostly(Seal.GOOD, *list(Seal)[1:], weight=3),
    signing=_mostly(Signing.GOOD, *list(Signing)[1:], weight=5),
    other_path=_mostly(False, True, weight=14),
    wait=_mostly(True, False, weight=3),
)
