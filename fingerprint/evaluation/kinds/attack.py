"""An attack on data of any kind: what somebody does to sell another's data as his own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

__all__ = ["Attack", "Edit"]

Edit = Callable[[bytes, Random, Sequence[bytes]], bytes]
"""Makes a copy of a file; may mix in some of the given other files, which nobody has registered."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack at one strength.

    Attributes:
        name: What is done, with its parameter, for example ``words replaced, 10 %``.
        edit: Does it.
        held_back: Whether thresholds were chosen without it; half of the parameters of every attack are.
    """

    name: str
    edit: Edit
    held_back: bool
