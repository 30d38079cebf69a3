"""What all commands share: the options that may stand before or after a noun, the home, the gateway, the output."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from countermark.client.home import Home
    from countermark.client.keystore import Keys
    from countermark.client.market import Done, Market
    from countermark.client.transfers import Progress
    from countermark.client.vault import Vault

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: tuple[Callable[[F], F], ...] = (
    click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Folder of keys and profiles."),
    click.option("--json", "as_json", is_flag=True, default=None, help="Print one JSON document on stdout."),
    click.option("--profile", help="Account of the home to act as; the one made last if not given."),
    click.option(
        "--passphrase-file", type=click.Path(path_type=Path, dir_okay=False), help="File with the passphrase."
    ),
    click.option("--gateway", help="URL of the gateway, or the gateway.json that `countermark up` wrote."),
    click.option(
        "--ca-file", type=click.Path(path_type=Path, dir_okay=False), help="CA of the gateway's certificate."
    ),
    click.option("--wait/--no-wait", default=None, help="Wait until the transaction has committed (the default)."),
    click.option(
        "--dry-run", is_flag=True, default=None, help="Check and show, but send nothing that changes anything."
    ),
)


@dataclass
class Session:
    """The options of one run, and what is opened because of them."""

    options: dict[str, Any] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    """What the command has made so far: part of its one JSON document, whichever way it ends."""

    def update(self, options: dict[str, Any]) -> None:
        """Take over the options that were given."""
        self.options.update({name: value for name, value in options.items() if value is not None})

    @property
    def as_json(self) -> bool:
        """Whether stdout gets one JSON document."""
        return bool(self.options.get("as_json"))

    @property
    def home(self) -> "Home":
        """The party's home folder."""
        from countermark.client.home import Home

        given = self.options.get("home") or os.environ.get("COUNTERMARK_HOME")
        if given:
            return Home(Path(given))
        from platformdirs import user_data_path

        return Home(user_data_path("countermark"))

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be changed, here or on the market."""
        return bool(self.options.get("dry_run"))

    @functools.cached_property
    def passphrase(self) -> bytes:
        """The keystore's passphrase: from a file, else asked for on a terminal.

        Raises:
            click.UsageError: there is neither, or the file is empty.
        """
        return self._passphrase(confirm=False)

    @functools.cached_property
    def new_passphrase(self) -> bytes:
        """The passphrase of a keystore that is made now: on a terminal asked for twice, since a slip loses the keys.

        Raises:
            click.UsageError: as `passphrase`.
        """
        return self._passphrase(confirm=True)

    @property
    def can_sign(self) -> bool:
        """Whether there is an account, and its passphrase at hand or somebody to ask for it."""
        return bool(self.home.accounts()) and bool(self._passphrase_file or sys.stdin.isatty())

    @property
    def _passphrase_file(self) -> str:
        return str(self.options.get("passphrase_file") or os.environ.get("COUNTERMARK_PASSPHRASE_FILE") or "")

    def _passphrase(self, *, confirm: bool) -> bytes:
        given = self._passphrase_file
        if given:
            passphrase = Path(given).read_bytes().rstrip(b"\r\n")
            if not passphrase:
                raise click.UsageError(f"the passphrase in {given} is empty")
            return passphrase
        if sys.stdin.isatty():
            return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)).encode()
        raise click.UsageError("a passphrase is needed: --passphrase-file or COUNTERMARK_PASSPHRASE_FILE")

    @functools.cached_property
    def keys(self) -> "Keys":
        """The keys of the account that acts."""
        return self.home.open_account(self.passphrase, self.options.get("profile") or "")

    def act_as(self, name: str, keys: "Keys") -> None:
        """Act as the account ``name`` whose ``keys`` were made just now."""
        self.options["profile"] = name
        self.keys = keys

    def gateway(self) -> tuple[str, str]:
        """Return the gateway's URL and CA file: from the options, the environment, or the home's profile.

        Raises:
            click.UsageError: no gateway is known, or the one given is neither URL nor file.
        """
        profile = self.home.profile
        url = self.options.get("gateway") or os.environ.get("COUNTERMARK_GATEWAY") or profile.gateway
        ca_file = self.options.get("ca_file") or os.environ.get("COUNTERMARK_CA_FILE") or ""
        if not url:
            raise click.UsageError("which gateway? --gateway URL, or the gateway.json that `countermark up` wrote")
        if "://" not in url:
            path = Path(url)
            ca_file = ca_file or path.with_name("gateway-ca.pem")
            url = _url_in(path)
        elif not ca_file and url == profile.gateway:
            ca_file = profile.ca_file
        return url, str(ca_file)

    def market(self, *, signed: bool = True, wait: bool | None = None) -> "Market":
        """Return the market as the account sees it, as the public does when not ``signed``.

        What an account acts on is the market that its home knows; the home remembers the gateway that has shown it.
        ``wait`` overrules the option of that name.

        Raises:
            ClientError: the gateway cannot be reached, or serves another market.
        """
        from countermark.client.http import Http
        from countermark.client.market import Market

        url, ca_file = self.gateway()
        key = self.keys.account if signed else None
        market = Market(
            Http(url, ca_file=ca_file, key=key),
            key,
            vault=self.vault if signed else None,
            trust=functools.partial(self.home.trust, save=signed and not self.dry_run),
            wait=self.options.get("wait", True) if wait is None else wait,
            dry_run=self.dry_run,
        )
        if signed:
            # Its first answer: of a gateway that gives none, or another market, nothing is remembered.
            assert market.name
            if not self.dry_run:
                self._remember(url, ca_file)
        return market

    def _remember(self, url: str, ca_file: str) -> None:
        ca_file = str(Path(ca_file).resolve()) if ca_file else ""
        if (self.home.profile.gateway, self.home.profile.ca_file) != (url, ca_file):
            self.home.update_profile(gateway=url, ca_file=ca_file)

    @property
    def vault(self) -> "Vault":
        """The vault of the account that acts."""
        return self.home.vault(self.keys)

    def say(self, text: str) -> None:
        """Print a message for people, on stderr."""
        click.echo(text, err=True)

    def first(self, document: dict[str, Any], *lines: str) -> None:
        """Tell at once what the command has made, whatever becomes of the rest: its ids stand first on stdout."""
        self.made.update(document)
        if not self.as_json:
            self._print(lines)

    def result(self, document: dict[str, Any], *lines: str) -> None:
        """Print what the command is for: ``document`` with --json, with what `first` told; else ``lines``."""
        if self.as_json:
            click.echo(json.dumps({**self.made, **document}))
        else:
            self._print(lines)

    @staticmethod
    def _print(lines: Iterable[str]) -> None:
        for line in lines:
            # The bytes of a file's name need not be text.
            click.echo(line.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))

    def show_done(self, done: "Done", document: dict[str, Any] | None = None, *lines: str) -> None:
        """Print the transaction ``done``: its id first, then the state that it brought about, then ``lines``."""
        state = done.result.get("state")
        self.result(
            {"txid": done.txid, **(document or {}), **done.result, **self.resumed(done)},
            done.txid or "nothing was sent",
            *([f"state {state}"] if state else []),
            *lines,
        )

    def resumed(self, done: "Done") -> dict[str, bool]:
        """Return what a document says of an act that an earlier run had asked for, and tell people too."""
        if not done.resumed:
            return {}
        self.say("an earlier run had asked for this; nothing new was sent")
        return {"resumed": True}

    def progress(self, label: str) -> "Progress":
        """Return a function that shows the progress of long work on stderr, when that is a terminal."""
        if not sys.stderr.isatty():
            return lambda _done, _total: None

        def show(done: int, total: int) -> None:
            share = 100 * done // total if total else 100
            click.echo(f"\r{label}: {share:3d} %" + ("\n" if done >= total else ""), nl=False, err=True)

        return show


def _url_in(path: Path) -> str:
    try:
        url = json.loads(path.read_text())["url"]
    except OSError as error:
        raise click.UsageError(f"the gateway file {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise click.UsageError(f"{path} is no gateway file") from error
    return str(url)


def with_options(function: F) -> F:
    """Add the shared options to a command or group."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


_NAMES = ("home", "as_json", "profile", "passphrase_file", "gateway", "ca_file", "wait", "dry_run")


def session_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the shared options to a command whose first argument becomes the session that they make."""

    @click.pass_obj
    @functools.wraps(function)
    def run(session: Session, /, **parameters: Any) -> Any:
        session.update({name: parameters.pop(name) for name in _NAMES})
        return function(session, **parameters)

    return with_options(run)


def noun(name: str, summary: str) -> click.Group:
    """Return the group of the verbs of one noun, which takes the shared options between noun and verb."""

    @click.group(name, help=summary)
    @with_options
    @click.pass_obj
    def group(session: Session, /, **options: Any) -> None:
        session.update(options)

    made: click.Group = group
    return made
