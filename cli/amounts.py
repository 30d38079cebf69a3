"""Amounts of money on the command line."""

from typing import Any

import click


class _Amount(click.ParamType["int"]):
    """A positive number of minor units, up to 2^63-1."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from countermark.protocol.errors import MarketError
        from countermark.protocol.money import parse_amount

        if isinstance(value, int):
            return value
        try:
            return parse_amount(value)
        except MarketError as error:
            self.fail(error.detail, param, ctx)


AMOUNT = _Amount()
"""Type of options and arguments that hold minor units."""
