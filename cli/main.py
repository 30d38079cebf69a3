"""The entry point `countermark`: commands are imported only when they are called, so that `--help` is quick."""

import importlib
import signal
import sys
from typing import Any, NoReturn

import click

from countermark.cli.session import OPTIONS, Session, with_options

COMMANDS = {
    "account": "keys and money of an account",
    "agent": "a party that acts by itself",
    "audit": "the supervisor's view, from his own replica of the ledger",
    "doctor": "what is wrong with an installation",
    "demo": "the paper's Scenario 1 on this machine, step by step",
    "fingerprint": "compute and compare fingerprints, offline",
    "listing": "put data on the market, browse, withdraw",
    "claim": "who says that a contract is of his data",
    "network": "a network of Hyperledger Fabric, from one description",
    "platform": "gateway and worker in containers",
    "review": "the operator's word on applications that wait for a person",
    "search": "find listings that resemble a sample",
    "tables": "the database's copy of the ledger, made anew and compared",
    "trade": "buy and sell, step by step",
    "up": "run the whole platform on this machine",
    "webhook": "have events told to a server of one's own",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"countermark.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="countermark")
@with_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Trade and track data on a ledger that no party has to trust.

    Exit status: 0 done, 1 error, 2 usage, 3 refused by a rule of the market (the code is printed), 4 outcome
    unknown (the transaction id is printed).
    """
    ctx.ensure_object(Session).update(options)


def main() -> NoReturn:
    """Run the command line and exit with the status of interfaces.md."""
    from countermark.cli.failures import ERROR, no_output

    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status = _run(Session())
        sys.stdout.flush()
    except OSError as error:
        # Of what a command has done, nobody was told.
        no_output(error)
        status = ERROR
    sys.exit(status)


def _run(session: Session) -> int:
    from countermark.cli.failures import report, report_usage

    try:
        status = command.main(standalone_mode=False, obj=session)
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except BrokenPipeError:
        raise
    except click.ClickException as error:
        # Of the options, those before the mistake were read, those behind it were not.
        return report_usage(error, as_json=session.as_json or "--json" in sys.argv)
    except (Exception, KeyboardInterrupt) as error:  # outermost: every failure becomes one line and a status
        return report(error, as_json=session.as_json, made=session.made)
    return status if isinstance(status, int) else 0


def _interrupt(*_: object) -> NoReturn:
    """End as Ctrl-C does, by way of everything that cleans up."""
    raise KeyboardInterrupt


__all__ = ["OPTIONS", "command", "main"]

if __name__ == "__main__":
    main()
