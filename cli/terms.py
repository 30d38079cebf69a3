"""Options of a seller's terms, shared by the commands that make an offer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from countermark.cli.amounts import AMOUNT
from countermark.protocol.transitions import TRADE_CLOCKS

if TYPE_CHECKING:
    from countermark.client.listings import Terms


def with_terms(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--price`` and ``--deadline``."""
    function = click.option("--price", required=True, type=AMOUNT, help="Price in minor units.")(function)
    return click.option(
        "--deadline",
        "deadlines",
        multiple=True,
        metavar="NAME=SECONDS",
        help="A deadline other than the market's default: " + ", ".join(TRADE_CLOCKS) + ".",
    )(function)


def parse_terms(price: int, deadlines: tuple[str, ...]) -> "Terms":
    """Return the terms that the options spell.

    Raises:
        click.BadParameter: a deadline is malformed.
    """
    from countermark.client.listings import Terms

    seconds: dict[str, int] = {}
    for text in deadlines:
        name, _, value = text.partition("=")
        if name not in TRADE_CLOCKS or not value.isascii() or not value.isdigit():
            raise click.BadParameter(f"{text}: NAME=SECONDS is expected", param_hint="--deadline")
        seconds[name] = int(value)
    return Terms(price, seconds)
