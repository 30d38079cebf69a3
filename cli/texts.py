"""Words on the command line."""

from typing import Any

import click


class _Text(click.ParamType["str"]):
    """Text in UTF-8; other bytes are no words, and nothing that is signed or sent can hold them."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("not valid UTF-8", param, ctx)
        return text


TEXT = _Text()
"""Type of options and arguments that hold words."""
