"""The command `countermark demo`."""

import importlib
import json
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import click

from countermark.cli.network.options import DIRECTORY
from countermark.cli.session import Session, session_command

if TYPE_CHECKING:
    from countermark.cli.demo.cast import Actor, Stage
    from countermark.cli.demo.narrator import Narrator
    from countermark.cli.demo.pictures import Pictures

FUNDS = {"poor buyer": "100", "thief": "20000"}
"""What parties get from the issuer, in minor units; everybody else `_USUAL`."""

_USUAL = "200000"


SCENARIOS: Mapping[str, str] = {
    "broker": "a listing, a sale, a resale, what is refused, what deadlines bring, the supervisor's account",
    "collections": (
        "a collection and a table listed, searched, sold and traced, sets of thieves, the supervisor's account"
    ),
    "disputes": "a false fingerprint, other data, a denied receipt, a no-show, a silent buyer: who gets the money",
}
"""What happens in each story; the module of its name tells it."""


class Scenario(Protocol):
    """A story: who is in it, and how it is told."""

    PARTIES: tuple[str, ...]

    def play(
        self, tell: "Narrator", stage: "Stage", actors: "dict[str, Actor]", pictures: "Pictures"
    ) -> dict[str, Any]:
        """Tell it, and return what came of it."""
        ...


def _scenario(name: str) -> Scenario:
    # Its parties, processes of this package, need none of what a story needs.
    return cast(Scenario, importlib.import_module(f"countermark.cli.demo.{name}"))


@click.command("demo")
@click.option("--photos", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Photographs to use.")
@click.option(
    "--scenario",
    "name",
    type=click.Choice([*SCENARIOS, "all"]),
    default="broker",
    show_default=True,
    help="Which story.",
)
@click.option("--ledger", type=click.Choice(["embedded", "fabric"]), default="embedded", show_default=True)
@DIRECTORY
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Run in this folder and leave it there."
)
@session_command
def command(
    session: Session, photos: Path | None, name: str, ledger: str, directory: Path, keep: Path | None
) -> None:
    """Show on this machine how the market works: all steps of the paper's Scenario 1, or another story."""
    names = list(SCENARIOS) if name == "all" else [name]
    parties = [party for one in names for party in _scenario(one).PARTIES]
    if session.dry_run:
        session.result({"dry_run": True, "scenario": name, "ledger": ledger, "parties": parties}, *_plan(names))
        return
    from countermark.cli.demo.narrator import Narrator
    from countermark.cli.demo.pictures import gather

    # Of a network that goes on running, each demo gets a market of its own: photographs are listed once.
    where = [] if ledger == "embedded" else ["--dir", str(directory)]
    told: dict[str, Any] = {}
    with _folder(keep) as folder:
        tell = Narrator(err=session.as_json)
        pictures = gather(photos, _fresh(folder / "photographs"), tell.say)
        for one in names:
            chaincode = [] if ledger == "embedded" else ["--chaincode", f"demo-{secrets.token_hex(4)}"]
            options = ["--ledger", ledger, "--faucet", *where, *chaincode]
            told[one] = _tell(
                Narrator(err=session.as_json),
                one,
                _fresh(folder / one) if name == "all" else folder,
                options,
                pictures,
            )
    if session.as_json:
        session.result({"scenario": name, **(told if name == "all" else told[name])})
    session.say(f"done in {tell.elapsed_s:.1f} s")


def _tell(tell: "Narrator", name: str, folder: Path, options: list[str], pictures: "Pictures") -> dict[str, Any]:
    """Run one scenario in ``folder``, on a platform of its own."""
    from countermark.cli.demo.cast import cast as casting

    tell.say(f"starting ledger, database, gateway and worker ({name} scenario) …")
    scenario = _scenario(name)
    with casting(folder, scenario.PARTIES) as actors, _platform(folder / "platform", options) as stage:
        for actor in actors.values():
            actor.meet(stage)
        _open_accounts(tell, actors)
        told = scenario.play(tell, stage, actors, pictures)
    steps = {"steps": sorted(tell.steps), "refusals": tell.refusals}
    return {**steps, **told, "seconds": round(tell.elapsed_s)}


def _plan(names: list[str]) -> Iterator[str]:
    yield "would run a platform of its own on this machine, in a new folder, and end it afterwards:"
    for name in names:
        parties = len(_scenario(name).PARTIES)
        yield f"  {name}: {parties} parties with homes of their own, money from the faucet, four photographs"
        yield f"    {SCENARIOS[name]}"


def _open_accounts(tell: "Narrator", actors: "dict[str, Actor]") -> None:
    tell.title("Accounts: a public key is the address (R8)")
    for actor in actors.values():
        actor.begin("open")
    for actor in actors.values():
        actor.address = str(actor.finish()["address"])
        actor.begin("fund", FUNDS.get(actor.name, _USUAL), f"demo-{actor.name.replace(' ', '-')}")
        tell.say(f"{actor.name:<13} process {actor.pid:<7} {actor.address}")
    for actor in actors.values():
        actor.finish()


def _fresh(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        if keep.exists() and any(keep.iterdir()):
            raise click.UsageError(f"{keep} is not empty")
        yield _fresh(keep.resolve())
        return
    from countermark.gateway import database

    folder = Path(tempfile.mkdtemp(prefix="countermark-demo-"))
    try:
        yield folder
    finally:
        # As root the database lies elsewhere, where its own unprivileged user can reach it.
        for stage in (folder, *(folder / name for name in SCENARIOS)):
            database.discard(stage / "platform" / "postgres")
        shutil.rmtree(folder)


@contextmanager
def _platform(data: Path, options: Sequence[str]) -> "Iterator[Stage]":
    """Run `countermark up` on ``data`` with ``options`` as a process of its own while the block lasts."""
    from countermark.cli.demo.cast import Stage
    from countermark.client.errors import ClientError

    up = ["up", "--port", "0", "--data", str(data), *options]
    command_line = [sys.executable, "-m", "countermark.cli.main", "--json", *up]
    process = subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise click.ClickException(f"the platform did not start: status {process.wait()}")
        told = json.loads(line)
        if "error" in told:
            raise ClientError(told["error"]["code"], told["error"]["detail"])
        yield Stage(data.parent, told["url"], data / "gateway-ca.pem")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
