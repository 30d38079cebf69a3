"""The pages of the documentation, and the command lines that they show."""

from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def check_words(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Parse ``words`` as click does, but touch no file and run nothing.

    Raises:
        click.UsageError: click would refuse them.
    """
    context = click.Context(command, info_name=command.name, parent=parent)
    context.allow_interspersed_args = not isinstance(command, click.Group)
    values, rest, _ = command.make_parser(context).parse_args(list(words))
    for parameter in command.params:
        value = values.get(parameter.name or "")
        if parameter.required and not isinstance(value, str | tuple):  # None, or click's mark for what is unset
            raise click.MissingParameter(ctx=context, param=parameter)
        if isinstance(value, str) and not isinstance(parameter.type, click.Path):
            parameter.type_cast_value(context, value)
    if isinstance(command, click.Group) and rest:
        name, child, below = command.resolve_command(context, rest)
        assert child is not None, name
        check_words(child, below, context)
    elif rest and not isinstance(command, click.Group):
        raise click.UsageError(f"superfluous: {rest}", ctx=context)
