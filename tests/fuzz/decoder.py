"""What is fuzzed: how a hostile input is made, what reads it, and how it may be refused."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Decoder:
    """Reads what strangers send."""

    make: Callable[[Random], Any]
    """Makes one input, most often a changed valid one; the same numbers drawn give the same edits."""
    read: Callable[[Any], object]
    """Reads it as the product does, as far as it is accepted."""
    declared: tuple[type[Exception], ...]
    """The errors that the reader's docstring promises."""


def code_of(error: Exception) -> str:
    """Return the stable reason of a refusal."""
    return str(getattr(error, "code", type(error).__name__))
