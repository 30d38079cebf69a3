"""docs/cli.md: every command of `countermark` with its arguments and options, from click's own declarations."""

from collections.abc import Iterator

import click

from countermark.cli.main import command as root
from countermark.cli.session import OPTIONS


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, as ``countermark noun verb``."""
    yield from _below("countermark", root)


def _below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from _below(f"{path} {name}", child)


def page() -> str:
    """Return the page."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield "<!-- Made by `make docs` from cli/. Change that. -->"
    yield ""
    yield "Exit status: 0 done, 1 error, 2 usage, 3 refused by a rule of the market (the code is printed), 4 outcome"
    yield "unknown (the transaction id is printed). The id of what a command made is the first thing on its stdout;"
    yield "progress and messages go to stderr. What was asked for and not answered is kept in the home: the same"
    yield "command again goes on with it, and pays nothing twice."
    yield ""
    yield "## Options of every command"
    yield ""
    yield "They may stand before the noun or after the verb. Each of `--home`, `--passphrase-file`, `--gateway` and"
    yield "`--ca-file` may be given in the environment instead: `COUNTERMARK_HOME`, `COUNTERMARK_PASSPHRASE_FILE`,"
    yield "`COUNTERMARK_GATEWAY`, `COUNTERMARK_CA_FILE`."
    yield ""
    shared = _shared()
    yield from _options(shared.params)
    names = {parameter.name for parameter in shared.params}
    for path, command in commands():
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        usage = " ".join([path, *(_metavar(command, argument) for argument in arguments)])
        yield ""
        yield f"## `{usage}`"
        yield ""
        # \b and further paragraphs are click's way to lay out a terminal: here one paragraph follows another.
        yield " ".join((command.help or "").split())
        own = [p for p in command.params if p.name not in names and not isinstance(p, click.Argument)]
        if own:
            yield ""
            yield from _options(own)


def _shared() -> click.Command:
    function = click.Command("shared", callback=lambda **_: None)
    for option in OPTIONS:
        option(function)
    return function


def _options(parameters: list[click.Parameter]) -> Iterator[str]:
    yield "| Option | Meaning |"
    yield "|---|---|"
    for option in parameters:
        assert isinstance(option, click.Option)
        record = option.get_help_record(click.Context(click.Command("", params=[option]), show_default=False))
        assert record is not None
        names, text = (part.replace("|", "\\|") for part in record)
        yield f"| `{names}` | {text} |"


def _metavar(command: click.Command, argument: click.Argument) -> str:
    return argument.make_metavar(click.Context(command))
