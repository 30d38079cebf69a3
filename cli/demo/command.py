"""The command `countermark demo`."""

import json
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from countermark.cli.demo import finale, refusals, scenario
from countermark.cli.demo.cast import Actor, Stage, cast
from countermark.cli.demo.narrator import Narrator
from countermark.cli.demo.pictures import Pictures, gather
from countermark.cli.network.options import DIRECTORY
from countermark.cli.session import Session, session_command
from countermark.client.errors import ClientError
from countermark.gateway import database

PARTIES = ("seller", "buyer", "second buyer", "honest seller", "idle seller", "silent buyer", "poor buyer", "thief")
FUNDS = dict.fromkeys(PARTIES, "100000") | {"poor buyer": "100", "thief": "20000"}
"""What each party gets from the issuer, in minor units."""

_PLAN = (
    "would run a platform of its own on this machine, in a new folder, and end it afterwards:",
    f"  {len(PARTIES)} parties with homes of their own, money from the faucet, four photographs",
    "  a listing, a sale, a resale, what is refused, what deadlines bring, the supervisor's account",
)


@click.command("demo")
@click.option("--photos", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Photographs to use.")
@click.option("--scenario", "name", type=click.Choice(["broker"]), default="broker", show_default=True)
@click.option("--ledger", type=click.Choice(["embedded", "fabric"]), default="embedded", show_default=True)
@DIRECTORY
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Run in this folder and leave it there."
)
@session_command
def command(
    session: Session, photos: Path | None, name: str, ledger: str, directory: Path, keep: Path | None
) -> None:
    """Show the paper's Scenario 1 on this machine: all parties, steps (1) to (24), a resale, refusals, the audit."""
    if session.dry_run:
        session.result({"dry_run": True, "scenario": name, "ledger": ledger, "parties": PARTIES}, *_PLAN)
        return
    tell = Narrator(err=session.as_json)
    with _folder(keep) as folder:
        pictures = gather(photos, _fresh(folder / "photographs"), tell.say)
        tell.say(f"starting the {ledger} ledger, database, gateway and worker ({name} scenario) …")
        # Of a network that goes on running, each demo gets a market of its own: photographs are listed once.
        where = (
            [] if ledger == "embedded" else ["--dir", str(directory), "--chaincode", f"demo-{secrets.token_hex(4)}"]
        )
        options = ["--ledger", ledger, "--faucet", *where]
        with cast(folder, PARTIES) as actors, _platform(folder / "platform", options) as stage:
            for actor in actors.values():
                actor.meet(stage)
            told = _play(tell, stage, actors, pictures)
    if session.as_json:
        steps = {"steps": sorted(tell.steps), "refusals": tell.refusals}
        session.result({"scenario": name, **steps, **told, "seconds": round(tell.elapsed_s)})
    session.say(f"done in {tell.elapsed_s:.1f} s")


def _play(tell: Narrator, stage: Stage, actors: dict[str, Actor], pictures: Pictures) -> dict[str, Any]:
    _open_accounts(tell, actors)
    desk = _fresh(stage.folder / "purchases")
    listing = scenario.list_for_sale(tell, actors["seller"], pictures)
    missed = refusals.begin_missed_deadlines(tell, actors, pictures, desk)
    scenario.find_by_sample(tell, actors["buyer"], listing, pictures.traded)
    sale = scenario.trade_once(tell, actors["seller"], actors["buyer"], listing, desk / "first")
    if sale.data.read_bytes() != pictures.traded.read_bytes():
        raise click.ClickException("the buyer did not get the seller's bytes")
    tell.title("The new owner sells in turn: steps (9) to (24) only, on the same contract")
    actors["buyer"].do("relist", listing, 300_00)
    resale = scenario.trade_once(tell, actors["buyer"], actors["second buyer"], listing, desk / "second")
    refusals.show_refusals(tell, actors, pictures, desk)
    refusals.show_missed_deadlines(tell, actors, missed)
    told = finale.audit(tell, stage.folder / "platform", sale, resale, pictures)
    missing = set(range(1, 25)) - tell.steps
    if missing:
        raise click.ClickException(f"steps {sorted(missing)} were not shown")
    return told


def _open_accounts(tell: Narrator, actors: dict[str, Actor]) -> None:
    tell.title("Accounts: a public key is the address (R8)")
    for actor in actors.values():
        actor.begin("open")
    for actor in actors.values():
        actor.address = str(actor.finish()["address"])
        actor.begin("fund", FUNDS[actor.name], f"demo-{actor.name.replace(' ', '-')}")
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
    folder = Path(tempfile.mkdtemp(prefix="countermark-demo-"))
    try:
        yield folder
    finally:
        # As root the database lies elsewhere, where its own unprivileged user can reach it.
        database.discard(folder / "platform" / "postgres")
        shutil.rmtree(folder)


@contextmanager
def _platform(data: Path, options: Sequence[str]) -> Iterator[Stage]:
    """Run `countermark up` on ``data`` with ``options`` as a process of its own while the block lasts."""
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
