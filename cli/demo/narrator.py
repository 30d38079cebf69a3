"""What the demo prints: for each step who acted, the transaction, and what the platform could see of it."""

import time
from typing import Any

import click

from countermark.cli.demo.cast import Actor, RefusedError

_WIDTH = 7


class Narrator:
    """Prints the story, and counts what was shown, so that a run can say that nothing is missing."""

    def __init__(self, *, err: bool = False) -> None:
        """Print to stderr with ``err``, where stdout is for programs."""
        self._err = err
        self._started = time.monotonic()
        self.steps: set[int] = set()
        self.refusals: list[str] = []

    def title(self, text: str) -> None:
        """Begin a chapter."""
        self._print(f"\n{click.style(text, bold=True)}")

    def say(self, text: str) -> None:
        """Print a line between the steps."""
        self._print(f"  {text}")

    def _print(self, line: str) -> None:
        click.echo(line, err=self._err)

    def step(
        self,
        first: int,
        who: str,
        what: str,
        *,
        last: int | None = None,
        tx: str = "",
        seen: str = "",
        branch: str = "",
    ) -> None:
        """Print step ``first`` (to ``last``) of the paper; ``seen`` is what the platform could see."""
        self.steps.update(range(first, (last or first) + 1))
        numbers = f"({first}{branch})" if last is None else f"({first})-({last})"
        self._print(f"{numbers:>{_WIDTH + 2}} {click.style(who, fg='cyan')} {what}")
        if tx:
            self._print(f"{'':>{_WIDTH + 2}}   transaction {tx}")
        if seen:
            self._print(f"{'':>{_WIDTH + 2}}   the platform sees {seen}")

    def refused(self, actor: Actor, what: str, act: str, *arguments: Any, code: str) -> None:
        """Have ``actor`` try what must be refused with ``code``, and print how it was.

        Raises:
            click.ClickException: it was not refused, or for another reason.
        """
        try:
            actor.do(act, *arguments)
        except RefusedError as error:
            if error.code != code:
                raise click.ClickException(f"{what}: refused with {error.code}, not {code}") from error
            self.refusals.append(code)
            self._print(f"  {click.style(actor.name, fg='cyan')} {what}: {click.style('refused', fg='red')} {error}")
            return
        raise click.ClickException(f"{what} was not refused")

    @property
    def elapsed_s(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._started
